import type { EventId, RoomId } from '../../core/ids.ts'
import { prevEventIdsOf } from '../../core/pdu.ts'
import type { Select } from '../../storage/database.ts'
import { type PduRow, selectPdus, selectPdusUpTo, selectPlaces } from './for-servers.store.ts'
import type { Missing } from './for-servers.ts'
import { createBreath, type StoredPdu, storedPduOf } from './stored-pdu.ts'

/** Beyond these a walk ends, however much of it was rejected. */
const mostVisited = 1000

/** Where an event stands, without what it says: many may wait for their turn, and each may be long. */
type Place = Pick<PduRow, 'event_id' | 'depth' | 'room_order' | 'rejected'>

/**
 * Some events of a room and those that came before them by `prev_events`, the deepest first, at most `limit`. What was rejected is walked over and left
 * out; what is not in the room, or stands in no place of it, is not looked at.
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
 */
export async function eventsBefore(select: Select, roomId: RoomId, from: readonly EventId[], limit: number): Promise<StoredPdu[]> {
  const reader = createReader(select, roomId, limit)
  const breath = createBreath()
  const seen = new Set(from)
  const found: StoredPdu[] = []
  let waiting = await reader.places(from)
  for (let visited = 0; found.length < limit && waiting.length > 0 && visited < mostVisited + limit; visited++) {
    const next = waiting.reduce((deepest, place) => (comparePlaces(place, deepest) > 0 ? place : deepest))
    waiting = waiting.filter((place) => place !== next)
    const event = await reader.event(next)
    if (event === undefined) continue
    if (!event.isRejected) found.push(event)
    waiting.push(...(await reader.places(unseen(event, seen))))
    await breath()
  }
  return found
}

/**
 * The events before some others by `prev_events`, breadth first, at most `limit` of them; the oldest first, so that each comes after those it cites.
 * https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid
 */
export async function missingEvents(select: Select, roomId: RoomId, { earliest, latest, minDepth, limit }: Missing): Promise<StoredPdu[]> {
  const reader = createReader(select, roomId, limit + latest.length)
  const breath = createBreath()
  const seen = new Set(earliest)
  let found: Place[] = []
  let front = await reader.places(latest.filter((eventId) => !seen.has(eventId)))
  for (const eventId of latest) seen.add(eventId)
  for (let visited = 0; front.length > 0 && found.length < limit && visited < mostVisited; ) {
    const before: EventId[] = []
    for (const place of front.slice(0, mostVisited)) {
      const event = await reader.event(place)
      if (event !== undefined) before.push(...unseen(event, seen))
      visited++
      await breath()
    }
    front = (await reader.places(before)).filter((place) => place.depth >= minDepth)
    found = [...found, ...front.filter((place) => place.rejected === 0).sort((a, b) => comparePlaces(b, a))]
  }
  const events = await Promise.all(found.slice(0, limit).sort(comparePlaces).map(reader.event))
  return events.filter((event) => event !== undefined)
}

function comparePlaces(a: Place, b: Place): number {
  return a.depth - b.depth || a.room_order - b.room_order
}

/** What an event cites in `prev_events` and nobody has cited yet. */
function unseen({ pdu }: StoredPdu, seen: Set<EventId>): EventId[] {
  const ids = [...new Set(prevEventIdsOf(pdu))].filter((eventId) => !seen.has(eventId))
  for (const eventId of ids) seen.add(eventId)
  return ids
}

/** Reads places and events of a room. With the first places come the events above, which a walk will most likely ask for. */
function createReader(select: Select, roomId: RoomId, ahead: number) {
  let known: Map<string, PduRow> | undefined

  async function places(eventIds: readonly EventId[]): Promise<Place[]> {
    const others = eventIds.filter((eventId) => known?.has(eventId) !== true)
    const read = others.length === 0 ? [] : await select(selectPlaces, others)
    const all = [...eventIds.flatMap((eventId) => known?.get(eventId) ?? []), ...read]
    const found = all.filter((row) => row.room_id === roomId && row.outlier === 0)
    if (known === undefined && found.length > 0) {
      const deepest = Math.max(...found.map(({ depth }) => depth))
      known = new Map((await select(selectPdusUpTo, roomId, deepest, ahead)).map((row) => [row.event_id, row]))
    }
    return found
  }

  async function event({ event_id: eventId }: Place): Promise<StoredPdu | undefined> {
    const row = known?.get(eventId) ?? (await select(selectPdus, [eventId]))[0]
    return row === undefined ? undefined : storedPduOf(row)
  }

  return { places, event }
}
