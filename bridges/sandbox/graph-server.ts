import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SandboxAccount } from './accounts.ts'
import type { Json } from './api-call.ts'
import type { Fault, Faults } from './faults.ts'
import type { GraphApi } from './graph-api.ts'
import { type ErrorSpec, errorBody, graphErrors } from './graph-error.ts'
import { largestUpload } from './media/file-limits.ts'
import { type Form, readForm } from './media/read-form.ts'
import type { Pusher } from './pusher.ts'
import { readBody } from './read-body.ts'
import type { World } from './world.ts'

export type Serve = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>

/** Serves the Graph API over HTTP, with the faults that were asked for; what a call sets off is pushed once it was answered. */
export function createGraphServer(api: GraphApi, pusher: Pusher, faults: Faults, world: World): Serve {
  return async (request, response, url) => {
    const { method = 'GET', headers } = request
    const raw = {
      ...{ method, path: url.pathname, query: url.searchParams },
      ...(headers.authorization === undefined ? {} : { authorization: headers.authorization }),
    }
    const isUpload = headers['content-type']?.startsWith('multipart/form-data') === true
    const uploader = isUpload ? api.accountOf(raw) : undefined
    const spoiled = uploader && faults.take(uploader.network, 'upload')
    if (spoiled?.kind === 'cut' && spoiled.when === 'before') return void request.once('data', () => response.destroy())
    const form = await parseBody(headers['content-type'], await readBody(request, isUpload ? largestUpload : undefined))
    if (!form) return answer(response, graphErrors.badJson.status, errorBody(graphErrors.badJson))
    // The Graph API takes a parameter from the query as from the body.
    const call = api.open({ ...raw, body: { ...Object.fromEntries(url.searchParams), ...form.fields }, files: form.files })
    const fault = spoiled ?? (call.isSend && call.account ? faults.take(call.account.network, 'send') : undefined)
    if (fault?.when === 'before') return fail(response, fault, world, call.account)
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
    if (fault) fail(response, fault, world, call.account)
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

function refuse(response: ServerResponse, error: ErrorSpec): void {
  answer(response, error.status, errorBody(error))
}

function fail(response: ServerResponse, fault: Fault, { tokenEnds, clock }: World, account: SandboxAccount | undefined): void {
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
      refuse(response, fault.error)
      break
    case 'rate_limit':
      response.setHeader('x-business-use-case-usage', JSON.stringify(usageOf(account)))
      refuse(response, account?.network === 'whatsapp' ? graphErrors.whatsappRate : graphErrors.messagingRate)
      break
    case 'revoke':
      if (account) tokenEnds.set(account.network, 'revoked')
      refuse(response, graphErrors.revokedToken)
      break
    case 'expire':
      if (account) tokenEnds.set(account.network, clock.now())
      refuse(response, graphErrors.expiredToken)
      break
    case 'corrupt':
      refuse(response, graphErrors.serverError)
      break
    case 'hang':
    case 'fail_later':
      break
  }
}

/** Meta says beside the error when the account may go on: in a minute. */
function usageOf(account: SandboxAccount | undefined): Json {
  const used = { type: 'messages', call_count: 100, total_cputime: 40, total_time: 40, estimated_time_to_regain_access: 1 }
  return { [account?.entryId ?? '0']: [used] }
}

async function parseBody(contentType: string | undefined, body: Buffer): Promise<(Pick<Form, 'files'> & { fields: Json }) | undefined> {
  const files = new Map()
  if (body.length === 0) return { fields: {}, files }
  if (contentType?.startsWith('multipart/form-data')) return readForm(contentType, body)
  if (contentType?.startsWith('application/x-www-form-urlencoded')) {
    return { fields: Object.fromEntries(new URLSearchParams(body.toString('utf8'))), files }
  }
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { fields: parsed as Json, files } : undefined
  } catch {
    return undefined
  }
}
