import { isJsonObject } from '../core/json.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Answer, Egress, Failure, OutgoingRequest } from '../remote/egress.ts'

/** Whether the service has taken a transaction. `isDown`: it could not be reached at all. */
export type Sent = { readonly ok: true } | { readonly ok: false; readonly isDown: boolean; readonly words: string }

/** Sends a body as it is under a transaction id. */
export type SendTransaction = (id: string, body: Uint8Array, signal: AbortSignal) => Promise<Sent>

type Asking = Pick<OutgoingRequest, 'method' | 'signal' | 'timeoutMs' | 'limit'> & { readonly body?: string | Uint8Array }

const patience = 60_000

/** Asks a service something under its token, which stands in the header alone. Services may be on this machine or on private networks. */
export function askService(egress: Egress, { url, hsToken }: AppService, path: string, asking: Asking): Promise<Answer<Buffer> | Failure> {
  return egress.request({
    url: `${url}${path}`,
    allowPrivate: true,
    headers: { Authorization: `Bearer ${hsToken}`, ...(asking.body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...asking,
  })
}

/** Whether the service has taken something. */
export function isTaken(answer: Answer<Buffer> | Failure): boolean {
  return answer.ok && answer.status >= 200 && answer.status < 300
}

/** Whether the answer says that there is no such path: then an old service may have it elsewhere. */
export function isUnknownPath(answer: Answer<Buffer> | Failure): boolean {
  if (!answer.ok || (answer.status !== 404 && answer.status !== 405)) return false
  const errcode = errcodeOf(answer.body)
  return errcode === undefined || errcode === 'M_UNRECOGNIZED'
}

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

function errcodeOf(body: Buffer): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString())
    const errcode = isJsonObject(parsed) ? parsed['errcode'] : undefined
    return typeof errcode === 'string' ? errcode.slice(0, 100) : undefined
  } catch {
    return undefined
  }
}
