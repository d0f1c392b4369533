import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Json } from './api-call.ts'
import type { Fault, Faults } from './faults.ts'
import type { GraphApi } from './graph-api.ts'
import { errorBody, graphErrors } from './graph-error.ts'
import type { Pusher } from './pusher.ts'
import { readBody } from './read-body.ts'

export type Serve = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>

/** Serves the Graph API over HTTP, with the faults that were asked for; what a call sets off is pushed once it was answered. */
export function createGraphServer(api: GraphApi, pusher: Pusher, faults: Faults): Serve {
  return async (request, response, url) => {
    const body = parseBody(request.headers['content-type'], await readBody(request))
    if (!body) return answer(response, graphErrors.badJson.status, errorBody(graphErrors.badJson))
    const { method = 'GET', headers } = request
    const authorization = headers.authorization === undefined ? {} : { authorization: headers.authorization }
    const call = api.open({ method, path: url.pathname, query: url.searchParams, ...authorization, body })
    const fault = call.isSend && call.account ? faults.take(call.account.network) : undefined
    if (fault?.when === 'before') return fail(response, fault)
    const outcome = await call.run()
    const network = call.account?.network
    const happenings = ('happenings' in outcome && outcome.happenings) || []
    const push = () => {
      for (const happening of happenings) if (network) pusher.push(network, happening)
    }
    if (network && pusher.mode(network).early) {
      push()
      await pusher.settle(network)
    }
    if (fault) fail(response, fault)
    else if ('error' in outcome) answer(response, outcome.error.status, errorBody(outcome.error))
    else answer(response, 200, outcome.body)
    if (network && !pusher.mode(network).early) push()
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=UTF-8', 'facebook-api-version': 'v25.0' })
    .end(JSON.stringify(body))
}

function fail(response: ServerResponse, fault: Fault): void {
  const json = { 'content-type': 'application/json' }
  switch (fault.kind) {
    case 'cut':
      response.destroy()
      break
    case 'gateway':
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html><body>Bad Gateway</body></html>')
      break
    case 'broken':
      response.writeHead(200, json).end('{"messages":[{"id":')
      break
    case 'huge':
      response.writeHead(200, json).end(`{"filler":"${'x'.repeat(4_194_304)}"}`)
      break
    case 'error':
      answer(response, fault.error.status, errorBody(fault.error))
      break
    case 'hang':
    case 'fail_later':
      break
  }
}

function parseBody(contentType: string | undefined, body: Buffer): Json | undefined {
  if (body.length === 0) return {}
  if (contentType?.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(body.toString('utf8')))
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Json) : undefined
  } catch {
    return undefined
  }
}
