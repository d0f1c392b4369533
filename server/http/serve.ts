import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { MatrixError, methodNotAllowed, unrecognized } from '../core/matrix-error.ts'
import { Gone } from './body.ts'
import type { Serve } from './listen.ts'
import { errorFields, type Log } from './log.ts'
import type { Mounted } from './mount.ts'
import { sendError, shown } from './reply.ts'

/**
 * Who answers a request: the endpoints first, found without express, since its routers would cost more than the rest of a request; then express, for
 * the pages.
 */
export function serveWith({ mounted, pages, log }: { mounted: Mounted; pages: RequestHandler; log: Log }): Serve {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(pages)
  app.use((request, response) => {
    if (isPage(request.path)) sendError(response, methodNotAllowed(), { Allow: 'GET, HEAD, OPTIONS' })
    else sendError(response, unrecognized())
  })
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    if (error instanceof Gone || response.destroyed) return
    if (error instanceof MatrixError) return sendError(response, error)
    log.error('a page failed', errorFields(error))
    sendError(response, shown(error))
  }
  app.use(onError)
  return (request, response, areas) => {
    if (mounted.dispatch(request, response, areas)) return
    if (!areas.has('client') || (request.url!.startsWith('/_tombolo/') && !areas.has('admin'))) sendError(response, unrecognized())
    else app(request, response)
  }
}

function isPage(path: string): boolean {
  return path === '/' || path === '/_tombolo/first-admin'
}
