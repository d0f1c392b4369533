import type { IncomingMessage, ServerResponse } from 'node:http'
import { invalidParam, methodNotAllowed, unrecognized } from '../core/matrix-error.ts'
import { Gone, readObject, readSigned } from './body.ts'
import { type Abortable, asCall, RunningCall } from './call.ts'
import { type Authenticate, authenticateCall } from './client-auth.ts'
import type { Endpoint } from './endpoint.ts'
import { errorFields, type Log } from './log.ts'
import type { Histogram, Metrics } from './metrics.ts'
import { type Area, buildPathTree, decodeSegment, type Leaf } from './path-tree.ts'
import type { RateLimit } from './rate-limit.ts'
import { sendError, sendPreflight, sendReply, shown } from './reply.ts'
import type { AuthenticateServer } from './server-auth.ts'
import { checkSuspended } from './suspension.ts'

export type Mounted = {
  /** Answers a request, or returns false when its path is none of ours (then somebody else may have it). */
  readonly dispatch: (request: IncomingMessage, response: ServerResponse, areas: ReadonlySet<Area>) => boolean
  /** Aborts the signals of all running calls, and of those that still come: long polls answer with what they have. */
  readonly abortAll: () => void
}

type Tools = {
  readonly endpoints: readonly Endpoint[]
  readonly authenticate: Authenticate
  readonly authenticateServer: AuthenticateServer
  /** Undefined: no limits. */
  readonly rateLimit: RateLimit | undefined
  readonly log: Log
  readonly metrics: Metrics
}

/** https://spec.matrix.org/v1.19/client-server-api/#account-locking */
const evenWhenLocked: ReadonlySet<string> = new Set(['logout', 'logout_all'])
const ours = ['/_matrix/', '/_synapse/', '/.well-known/matrix/']
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Puts endpoints on the air: finds the one that a raw path means, says who asks, reads the body, runs the handler, answers, counts and logs. */
export function mount(tools: Tools): Mounted {
  const tree = buildPathTree(tools.endpoints)
  const running: Abortable = { calls: new Set(), draining: false }
  const timers = new Map(tools.endpoints.map((endpoint) => [endpoint, timerOf(endpoint, tools.metrics)]))

  function dispatch(request: IncomingMessage, response: ServerResponse, areas: ReadonlySet<Area>): boolean {
    // A client that polls again at once would keep its connection busy until the end.
    if (running.draining) response.shouldKeepAlive = false
    const url = request.url!
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (request.method === 'OPTIONS') {
      sendPreflight(response)
      return true
    }
    const found = tree.find(request.method!, path)
    if (found.leaf === undefined) return refuse(response, path, found.allowed)
    if (found.leaf.area !== 'all' && !areas.has(found.leaf.area)) return refuse(response, path, [])
    const params = readParams(found.leaf, found.raw)
    if (params === undefined) {
      sendError(response, invalidParam('the path is not properly percent-encoded'))
      return true
    }
    const call = new RunningCall({ request, response, leaf: found.leaf, params, queryText: mark < 0 ? '' : url.slice(mark + 1), running })
    void run(tools, call, found.leaf.endpoint, timers.get(found.leaf.endpoint)!)
    return true
  }
  return {
    dispatch,
    abortAll: () => {
      running.draining = true
      for (const call of [...running.calls]) call.abort()
    },
  }
}

async function run(tools: Tools, call: RunningCall, endpoint: Endpoint, timer: Histogram): Promise<void> {
  const { response } = call
  const started = performance.now()
  try {
    const { auth, rate, body } = endpoint
    if (auth === 'x-matrix') await takeSigned(tools, call, endpoint)
    else if (auth !== 'none') {
      call.requester = await authenticateCall(call, auth, tools.authenticate, evenWhenLocked.has(endpoint.operationId))
    }
    if (call.requester?.suspended) checkSuspended(endpoint, call.params)
    // Invitations are counted by whom they are for too, and that stands in the body.
    if (rate !== undefined && rate !== 'invite') tools.rateLimit?.take(rate, call)
    if (auth !== 'x-matrix' && (body === 'json' || body === 'json?'))
      call.body = await readObject(call.request, endpoint.limit, body === 'json?')
    if (rate === 'invite') tools.rateLimit?.take(rate, call)
    const reply = await endpoint.handle(asCall(call))
    if (rate !== undefined) tools.rateLimit?.done(rate, call)
    if (reply !== undefined && !response.destroyed) sendReply(response, reply)
  } catch (error) {
    fail(tools.log, call, endpoint, error)
  }
  const took = performance.now() - started
  timer.observe(took / 1000)
  if (tools.log.writes('info')) {
    const { method, path } = endpoint
    tools.log.info('request', { method, path, status: response.statusCode, ms: Math.round(took * 10) / 10, user: call.requester?.userId })
  }
}

/** The body is signed with the rest of a request, so it is read before anybody knows who asks. */
async function takeSigned({ authenticateServer }: Tools, call: RunningCall, { method, body, limit }: Endpoint): Promise<void> {
  const { headers, url } = call.request
  const content = body === 'json' || body === 'json?' ? await readSigned(call.request, limit, body === 'json?') : undefined
  call.origin = await authenticateServer({ authorization: headers.authorization, method, uri: url!, content })
  call.body = content ?? {}
}

function fail(log: Log, call: RunningCall, { method, path }: Endpoint, error: unknown): void {
  if (error instanceof Gone || call.response.destroyed) return
  const matrixError = shown(error)
  if (matrixError !== error) log.error('a request failed', { method, path, user: call.requester?.userId, ...errorFields(error) })
  sendError(call.response, matrixError)
}

function refuse(response: ServerResponse, path: string, allowed: readonly string[]): boolean {
  if (allowed.length > 0) sendError(response, methodNotAllowed(), { Allow: [...allowed, 'OPTIONS'].join(', ') })
  else if (path.startsWith('/') && !ours.some((prefix) => path.startsWith(prefix))) return false
  else sendError(response, unrecognized())
  return true
}

/** Each raw segment decoded once; undefined when one of them cannot be. */
function readParams({ names }: Leaf, raw: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (let at = 0; at < names.length; at++) {
    const value = decodeSegment(raw[at]!)
    if (value === undefined) return undefined
    params[names[at]!] = value
  }
  return params
}

function timerOf({ method, operationId }: Endpoint, metrics: Metrics): Histogram {
  return metrics.histogram('synapse_http_server_response_time_seconds', 'How long requests took.', seconds, {
    method,
    servlet: operationId,
    tag: '',
  })
}
