import type { ServerName } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { MatrixError, unreachable } from '../core/matrix-error.ts'
import type { Answer, Failure } from './egress.ts'

const longestWords = 300
const longestCode = 100

/** What would make a client think that its own session has ended, or that its own server does not know what was asked, wants consent, or is full. */
const ofOwnServer = new Set([
  'M_UNRECOGNIZED',
  'M_UNKNOWN_TOKEN',
  'M_MISSING_TOKEN',
  'M_USER_LOCKED',
  'M_USER_SUSPENDED',
  'M_USER_DEACTIVATED',
  'M_CONSENT_NOT_GIVEN',
  'M_RESOURCE_LIMIT_EXCEEDED',
])

/** The body of another server's answer. What it refuses is passed on in its words; 502 M_UNKNOWN when it cannot be reached or is out of order. */
export function answerOf(origin: ServerName, answer: Answer<JsonObject> | Failure): JsonObject {
  if (!answer.ok) throw unreachable(`${origin} cannot be reached: ${answer.words}`)
  const { status, body } = answer
  if (status === 200) return body
  const { errcode, error } = body
  const isRefusal = status >= 400 && status < 500 && status !== 401
  if (!isRefusal || typeof errcode !== 'string' || ofOwnServer.has(errcode)) throw unreachable(`${origin} answered with ${status}`)
  const words = typeof error === 'string' ? error.slice(0, longestWords) : `${origin} refuses`
  throw new MatrixError(status, errcode.slice(0, longestCode), words)
}

/** Of two servers' refusals the one that says more of why: a no, before not knowing, before not being there. The earlier one where they say as much. */
export function sayingMore(before: MatrixError | undefined, after: MatrixError): MatrixError {
  return before !== undefined && weightOf(before) >= weightOf(after) ? before : after
}

function weightOf({ status }: MatrixError): number {
  if (status >= 500) return 0
  return status === 404 ? 1 : 2
}
