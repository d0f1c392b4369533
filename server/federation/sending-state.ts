import type { EventId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Tools } from '../slice.ts'
import { type DestinationRow, type PendingRow, selectPending, selectTheseDestinations } from './destinations.store.ts'

/** So many of each are counted; what waits may be more. */
const mostCounted = 1000
/** Whoever has not been reached for so long is called down. */
const downAfterMs = 3_600_000

/** Destinations as those who keep the server running are shown them: the members that their tools know, and under `sending` ours. */
export async function describeDestinations(
  { home, graph }: Pick<Tools, 'home' | 'graph'>,
  names: readonly string[],
): Promise<JsonObject[]> {
  // In this order: what goes from what waits into a transaction meanwhile is counted twice, and not never.
  const found = await home.database.select(selectPending, mostCounted, mostCounted, mostCounted, names)
  const rowOf = new Map((await home.database.select(selectTheseDestinations, names)).map((row) => [row.destination, row]))
  const rows = names.map((name) => rowOf.get(name)).filter((row) => row !== undefined)
  const pending = new Map(found.map((row) => [row.destination, row]))
  const oldest = new Map(rows.map((row) => [row.destination, oldestOf(row, pending.get(row.destination))]))
  const ids = [...oldest.values()].filter((id) => id !== undefined)
  const events = new Map((ids.length === 0 ? [] : await graph.events(ids)).map((event) => [event.eventId, event]))
  const now = home.clock.now()
  return rows.map((row) => {
    const { destination, since, tried_at: triedAt, retry_at: retryAt, sent_position: position } = row
    const event = events.get(oldest.get(destination) ?? '$')
    const sentAt = event?.pdu.origin_server_ts
    return {
      destination,
      retry_last_ts: triedAt ?? 0,
      retry_interval: Math.max(0, (retryAt ?? 0) - (triedAt ?? 0)),
      failure_ts: since,
      last_successful_stream_ordering: position,
      sending: {
        ...stateOf(row, pending.get(destination), now),
        oldest_unsent:
          event === undefined || sentAt === undefined
            ? null
            : { event_id: event.eventId, room_id: event.roomId, origin_server_ts: sentAt, age: Math.max(0, now - sentAt) },
      },
    }
  })
}

/** What is on its way is older than what was missed, and that than what waits. */
function oldestOf(row: DestinationRow, pending: PendingRow | undefined): EventId | undefined {
  return (row.event_id ?? pending?.missed ?? pending?.waiting ?? undefined) as EventId | undefined
}

function stateOf(row: DestinationRow, behind: PendingRow | undefined, now: number): JsonObject {
  const pdus = (row.pdus ?? 0) + (behind?.pdus ?? 0)
  const edus = (row.edus ?? 0) + (behind?.edus ?? 0)
  const rooms = behind?.rooms ?? 0
  const { failures, since, retry_at: retryAt, words, sent_at: sentAt } = row
  const isFailing = failures !== null && since !== null
  const isBehind = pdus + edus + rooms > 0
  const state = isFailing ? (now - since >= downAfterMs ? 'down' : 'backing_off') : isBehind ? 'sending' : 'fine'
  const mayBeMore = [behind?.pdus, behind?.edus, behind?.rooms].some((count) => count === mostCounted)
  return {
    state,
    words: wordsOf(state, { since: since ?? 0, retryAt: retryAt ?? 0, words }),
    last_successful_ts: sentAt,
    failures: failures ?? 0,
    retry_at: isFailing ? retryAt : null,
    reason: isFailing ? words : null,
    pending: { pdus, edus, rooms_behind: rooms, may_be_more: mayBeMore },
  }
}

function wordsOf(state: string, of: { readonly since: number; readonly retryAt: number; readonly words: string | null }): string {
  const at = (time: number) => new Date(time).toISOString()
  if (state === 'fine') return 'has taken all it was sent'
  if (state === 'sending') return 'is being sent to'
  const begin = state === 'down' ? `not reached since ${at(of.since)}` : 'backing off'
  return `${begin}: ${of.words}; tried again at ${at(of.retryAt)}`
}

/** A name that a destination may be asked for by: what else stands in a filter no name holds. */
export function likeOf(filter: string | null): string | undefined {
  const text = (filter ?? '').toLowerCase()
  return /^[0-9a-z.:[\]-]*$/.test(text) ? `%${text}%` : undefined
}
