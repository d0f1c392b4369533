import type { JsonObject } from '../core/json.ts'
import { forbidden, limitExceeded, MatrixError, notFound } from '../core/matrix-error.ts'
import type { Answer, Failure } from './egress.ts'

/**
 * What a client is told when another server did not give what was asked of it: that there is nothing, that it does not tell, that it is busy, or that it
 * cannot be reached. Never its own words, nor a status that speaks of the client's session.
 */
export function relayedError(answer: Pick<Answer<JsonObject>, 'ok' | 'status'> | Failure, nothing: string): MatrixError {
  if (!answer.ok) {
    const isLate = answer.reason === 'timeout'
    return new MatrixError(
      isLate ? 504 : 502,
      'M_UNKNOWN',
      isLate ? 'the other server did not answer in time' : 'the other server cannot be asked',
    )
  }
  if (answer.status === 404) return notFound(nothing)
  if (answer.status === 403) return forbidden('the other server does not tell')
  if (answer.status === 429) return limitExceeded(5000)
  return malformedAnswer()
}

/** For an answer that is none. */
export function malformedAnswer(): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', 'the other server gave no proper answer')
}
