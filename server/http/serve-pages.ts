import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { MatrixError, methodNotAllowed, unrecognized } from '../core/matrix-error.ts'
import { Gone } from './body.ts'
import { errorFields, type Log } from './log.ts'
import { sendError, shown } from './reply.ts'
import type { Answer } from './serve.ts'

/** Answers with pages; with an error in Matrix's form where there is none. */
export function servePages(pages: RequestHandler, log: Log): Answer {
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
  return app
}

function isPage(path: string): boolean {
  return path === '/' || path === '/_tombolo/first-admin'
}
