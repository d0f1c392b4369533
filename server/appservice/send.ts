import type { AppService } from '../http/endpoint.ts'
import { askService, errcodeOf, isTaken, isUnknownPath } from '../people/ask-appservice.ts'
import type { Answer, Egress, Failure } from '../remote/egress.ts'

/** Whether the service has taken a transaction. `isDown`: it could not be reached at all. */
export type Sent = { readonly ok: true } | { readonly ok: false; readonly isDown: boolean; readonly words: string }

/** Sends a body as it is under a transaction id. */
export type SendTransaction = (id: string, body: Uint8Array, signal: AbortSignal) => Promise<Sent>

const patience = 60_000

/**
 * The way transactions go to a service: "Homeservers should attempt to use the specified endpoints first", then the older ones.
 * https://spec.matrix.org/v1.19/application-service-api/#legacy-routes
 */
export function transactionSender(egress: Egress, service: AppService): SendTransaction {
  const put = (path: string, body: Uint8Array, signal: AbortSignal) =>
    askService(egress, service, path, { method: 'PUT', body, signal, timeoutMs: patience })
  return async (id, body, signal) => {
    const path = `/transactions/${encodeURIComponent(id)}`
    const answer = await put(`/_matrix/app/v1${path}`, body, signal)
    if (isTaken(answer)) return { ok: true }
    const older = isUnknownPath(answer) ? await put(path, body, signal) : answer
    return isTaken(older) ? { ok: true } : refusal(isUnknownPath(older) ? answer : older)
  }
}

function refusal(answer: Answer<Buffer> | Failure): Sent {
  if (!answer.ok) return { ok: false, isDown: true, words: answer.words }
  const errcode = errcodeOf(answer.body)
  return { ok: false, isDown: false, words: `it answered ${answer.status}${errcode === undefined ? '' : ` ${errcode}`}` }
}
