import express, { type Response, type Router } from 'express'
import { readBytes } from '../http/body.ts'
import { pageHeaders } from '../http/html.ts'
import type { Tools } from '../slice.ts'
import { isFirstAdminToken, makeFirstAdmin } from './first-admin.ts'
import { firstAdminMadePage, firstAdminPage, frontPage, linkUsedPage } from './pages.ts'

const longestForm = 16 * 1024

/** The server's own pages, rendered here, without scripts. */
export function consolePages(tools: Tools): Router {
  const { config, serverName } = tools.home
  const router = express.Router()
  router.get('/', (_request, response) => {
    const { open, token_required: needsToken } = config.registration
    send(response, 200, frontPage({ serverName, baseUrl: config.public_baseurl, isOpen: open || needsToken, needsToken }))
  })
  router.get('/_tombolo/first-admin', (request, response) => {
    const { token: given } = request.query
    const token = typeof given === 'string' ? given : ''
    if (!isFirstAdminToken(tools, token)) send(response, 404, linkUsedPage())
    else send(response, 200, firstAdminPage({ serverName, token, username: '', refused: undefined }))
  })
  router.post('/_tombolo/first-admin', async (request, response) => {
    const form = new URLSearchParams(Buffer.from(await readBytes(request, longestForm)).toString())
    const token = form.get('token') ?? ''
    const username = (form.get('username') ?? '').trim()
    if (!isFirstAdminToken(tools, token)) return send(response, 404, linkUsedPage())
    const made = await makeFirstAdmin(tools, username, form.get('password') ?? '')
    if ('refused' in made) send(response, 400, firstAdminPage({ serverName, token, username, refused: made.refused }))
    else send(response, 200, firstAdminMadePage({ userId: made.userId, baseUrl: config.public_baseurl }))
  })
  return router
}

function send(response: Response, status: number, page: string): void {
  response.status(status).set(pageHeaders).send(page)
}
