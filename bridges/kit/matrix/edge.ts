import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express'

export type HomeserverEdge = {
  readonly homeserverToken: string
  /** Stores a transaction; it is on disk when this returns. */
  transaction(txn: string, body: Buffer): void
  /** Whether there is such a ghost or room alias. */
  hasUser(userId: string): boolean
  hasAlias(alias: string): boolean
}

// A hundred events of 64 KiB, their to-device events, and room for what stands around them.
const mostBytes = 32 * 1024 * 1024

/**
 * The routes that a homeserver calls. A request is refused before its body is read unless the token in its header is ours; a transaction is answered
 * when it is on disk. https://spec.matrix.org/v1.19/application-service-api/#pushing-events
 */
export function mountHomeserverEdge(app: Express, edge: HomeserverEdge): void {
  const routes = express.Router()
  routes.use(authenticate(edge.homeserverToken))
  const raw = express.raw({ type: () => true, limit: mostBytes })
  routes.put('/transactions/:txnId', raw, (request, response) => {
    const body: unknown = request.body
    const txn = String(request.params['txnId'])
    if (!Buffer.isBuffer(body) || !isObject(body)) return refuse(response, 400, 'M_NOT_JSON', 'The body is no JSON object')
    edge.transaction(txn, body)
    response.json({})
  })
  routes.post('/ping', raw, (_, response) => void response.json({}))
  routes.get('/users/:userId', (request, response) => answer(response, edge.hasUser(String(request.params['userId']))))
  routes.get('/rooms/:alias', (request, response) => answer(response, edge.hasAlias(String(request.params['alias']))))
  app.use('/_matrix/app/v1', routes, fallback, failed)
}

function authenticate(token: string): RequestHandler {
  const expected = digest(token)
  return (request, response, next) => {
    const [scheme, given, ...rest] = (request.headers.authorization ?? '').split(' ')
    const matches = timingSafeEqual(digest(given ?? ''), expected)
    if (scheme?.toLowerCase() === 'bearer' && rest.length === 0 && matches) next()
    else refuse(response, 403, 'M_FORBIDDEN', 'The token is not the one of this application service')
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isObject(body: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function answer(response: Response, found: boolean): void {
  if (found) response.json({})
  else refuse(response, 404, 'M_NOT_FOUND', 'There is none here')
}

function refuse(response: Response, status: number, errcode: string, error: string): void {
  response.status(status).json({ errcode, error })
}

const fallback: RequestHandler = (_, response) => refuse(response, 404, 'M_UNRECOGNIZED', 'There is no such endpoint')

const failed: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const status = (error as { status?: unknown } | undefined)?.status
  if (response.headersSent) next(error)
  else if (status === 413) refuse(response, 413, 'M_TOO_LARGE', 'The body is too large')
  else if (typeof status === 'number' && status < 500) refuse(response, 400, 'M_BAD_JSON', 'The request cannot be read')
  else refuse(response, 500, 'M_UNKNOWN', 'The bridge could not store this')
}
