import type { GraphFailure } from './failure.ts'
import type { GraphResult } from './graph-client.ts'
import type { JsonObject } from './read-json.ts'

/** What a send came to. An answer without an id leaves open what happened. */
export function sentResult(result: GraphResult, readId: (body: JsonObject) => { id: string } | undefined, title: string) {
  if (result.kind !== 'done') return failedResult(result)
  const sent = readId(result.body)
  if (sent) return { kind: 'sent' as const, id: sent.id }
  const words = `${title} answered without an id. It may have been sent: look into the chat.`
  return { kind: 'unknown' as const, class: 'other', words }
}

/** What a call came to that gets no id of its own. */
export function doneResult(result: GraphResult) {
  return result.kind === 'done' ? { kind: 'sent' as const } : failedResult(result)
}

/** A failure without what only the network's own people can use. */
export function failedResult({ kind, class: reason, words, retryAfterMs }: GraphFailure) {
  return kind === 'retry' && retryAfterMs !== undefined ? { kind, class: reason, words, retryAfterMs } : { kind, class: reason, words }
}
