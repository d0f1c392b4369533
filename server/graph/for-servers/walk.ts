import type { EventId, RoomId } from '../../core/ids.ts'
import { prevEventIdsOf } from '../../core/pdu.ts'
import type { Select } from '../../storage/database.ts'
import { type PduRow, selectPdus, selectPdusUpTo } from './for-servers.store.ts'
import type { Missing } from './for-servers.ts'
import { createBreath, type StoredPdu, storedPduOf } from './stored-pdu.ts'

/** Beyond these a walk over rejected events ends. */
const mostVisited = 1000

/**
 * Some events of a room and those that came before them by `prev_events`, the deepest first, at most `limit`. What was rejected is walked over and left
 * out; what is not in the room, or stands in no place of it, is not looked at.
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
 */
export async function eventsBefore(select: Select, roomId: RoomId, from: readonly EventId[], limit: number): Promise<StoredPdu[]> {
  const read = createReader(select, roomId, limit)
  const breath = createBreath()
  const seen = new Set(from)
  const found: StoredPdu[] = []
  let waiting = await read(from)
  for (let visited = 0; found.length < limit && waiting.length > 0 && visited < mostVisited + limit; visited++) {
    const next = waiting.reduce((deepest, event) => (comparePlaces(event, deepest) > 0 ? event : deepest))
    if (!next.isRejected) found.push(next)
    const before = unseen([next], seen)
    waiting = [...waiting.filter((event) => event !== next), ...(await read(before))]
    await breath()
  }
  return found
}

/**
 * The events before some others by `prev_events`, breadth first, at most `limit` of them; the oldest first, so that each comes after those it cites.
 * https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid
 */
export async function missingEvents(select: Select, roomId: RoomId, { earliest, latest, minDepth, limit }: Missing): Promise<StoredPdu[]> {
  const read = createReader(select, roomId, limit + latest.length)
  const breath = createBreath()
  const seen = new Set(earliest)
  const found: StoredPdu[] = []
  let front = await read(latest.filter((eventId) => !seen.has(eventId)))
  for (const eventId of latest) seen.add(eventId)
  for (let visited = 0; front.length > 0 && found.length < limit && visited < mostVisited; visited += front.length) {
    front = (await read(unseen(front, seen))).filter((event) => event.depth >= minDepth)
    found.push(...front.filter((event) => !event.isRejected).sort((a, b) => comparePlaces(b, a)))
    await breath()
  }
  return found.slice(0, limit).sort(comparePlaces)
}

function comparePlaces(a: StoredPdu, b: StoredPdu): number {
  return a.depth - b.depth || a.order - b.order
}

function unseen(events: readonly StoredPdu[], seen: Set<EventId>): EventId[] {
  const ids = events.flatMap(({ pdu }) => prevEventIdsOf(pdu)).filter((eventId) => !seen.has(eventId))
  for (const eventId of ids) seen.add(eventId)
  return [...new Set(ids)]
}

/** Reads events of a room by their ids. With the first of them come those above, which a walk will most likely ask for. */
function createReader(select: Select, roomId: RoomId, ahead: number): (eventIds: readonly EventId[]) => Promise<StoredPdu[]> {
  let known: Map<string, PduRow> | undefined
  return async (eventIds) => {
    const others = eventIds.filter((eventId) => known?.has(eventId) !== true)
    const read = others.length === 0 ? [] : await select(selectPdus, others)
    const rows = [...eventIds.flatMap((eventId) => known?.get(eventId) ?? []), ...read].filter(
      (row) => row.room_id === roomId && row.outlier === 0,
    )
    if (known === undefined && rows.length > 0) {
      const deepest = Math.max(...rows.map(({ depth }) => depth))
      known = new Map((await select(selectPdusUpTo, roomId, deepest, ahead)).map((row) => [row.event_id, row]))
    }
    return rows.map(storedPduOf)
  }
}
