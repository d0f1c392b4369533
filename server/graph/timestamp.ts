import { invalidParam } from '../core/matrix-error.ts'
import type { Call } from '../http/endpoint.ts'

/**
 * The `ts` of an application service, milliseconds since the epoch; undefined for everyone else.
 * https://spec.matrix.org/v1.19/application-service-api/#timestamp-massaging
 */
export function timestampOf({ requester, query }: Call<'access_token'>): number | undefined {
  const text = query.get('ts')
  if (text === null || requester.service === undefined) return undefined
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) throw invalidParam('`ts` must be milliseconds since 1970')
  return Number(text)
}
