import { isJsonObject } from '../core/json.ts'
import { badJson, badStatus, connectionFailed, connectionTimeout, forbidden, urlNotSet } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { askService, isTaken } from '../people/ask-appservice.ts'
import type { Tools } from '../slice.ts'
import { presentRow } from './appservice.reader.ts'

const mostShown = 4096
const patience = 30_000

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1appserviceappserviceidping */
export function pingEndpoint(tools: Pick<Tools, 'home'>): Endpoint {
  return endpoint({
    method: 'POST',
    path: '/_matrix/client/v1/appservice/{appserviceId}/ping',
    aliases: ['/_matrix/client/unstable/fi.mau.msc2659/appservice/{appserviceId}/ping'],
    operationId: 'pingAppservice',
    auth: 'as_token',
    body: 'json?',
    handle: (call) => ping(tools, call),
  })
}

/** Whoever can be pinged can be told what waits: a success ends the wait for the next try of a transaction. */
async function ping({ home }: Pick<Tools, 'home'>, { requester, params, body, signal }: Call<'as_token'>): Promise<Reply> {
  const { service } = requester
  if (service === undefined || service.id !== params['appserviceId']) throw forbidden('this is not the token of that application service')
  if (service.url === null) throw urlNotSet()
  const { transaction_id: transactionId } = body
  if (transactionId !== undefined && typeof transactionId !== 'string') throw badJson('`transaction_id` is no text')
  const asked = isJsonObject(body) && transactionId !== undefined ? { transaction_id: transactionId } : {}
  const from = performance.now()
  const answer = await askService(home.egress, service, '/_matrix/app/v1/ping', {
    method: 'POST',
    body: JSON.stringify(asked),
    timeoutMs: patience,
    signal,
  })
  if (!answer.ok) throw answer.reason === 'timeout' ? connectionTimeout() : connectionFailed(`the application service: ${answer.words}`)
  if (!isTaken(answer)) {
    const shown = answer.body.toString().slice(0, mostShown).replaceAll(service.hsToken, '…')
    throw badStatus(undefined, { status: answer.status, body: shown })
  }
  await home.database.commit({ writes: [], log: [presentRow(service)] })
  return { body: { duration_ms: Math.round(performance.now() - from) } }
}
