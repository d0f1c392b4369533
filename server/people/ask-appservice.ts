import { isJsonObject } from '../core/json.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Answer, Egress, Failure, OutgoingRequest } from '../remote/egress.ts'

type Asking = Pick<OutgoingRequest, 'method' | 'signal' | 'timeoutMs' | 'limit'> & { readonly body?: string | Uint8Array }

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

/** The `errcode` of an answer, if it has one. */
export function errcodeOf(body: Buffer): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString())
    const errcode = isJsonObject(parsed) ? parsed['errcode'] : undefined
    return typeof errcode === 'string' ? errcode.slice(0, 100) : undefined
  } catch {
    return undefined
  }
}
