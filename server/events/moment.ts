import { readChoice } from '../core/fields.ts'
import { invalidParam, missingParam } from '../core/matrix-error.ts'

/** A moment, in milliseconds since the epoch, and where to look from it: forwards or backwards. */
export type Moment = { readonly timestamp: number; readonly direction: 'b' | 'f' }

/** Reads `ts` and `dir` of a query; 400 M_MISSING_PARAM or M_INVALID_PARAM. */
export function readMoment(query: URLSearchParams): Moment {
  const direction = readChoice(query, 'dir', ['b', 'f'])
  if (direction === undefined) throw missingParam('`dir` must say `b` or `f`')
  const text = query.get('ts')
  if (text === null) throw missingParam('`ts` is missing')
  if (!/^-?\d{1,15}$/.test(text)) throw invalidParam('`ts` must be a whole number of milliseconds')
  return { timestamp: Number(text), direction }
}
