import type { EventId, RoomId } from '../../core/ids.ts'
import { authorisingIdsOf } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Select } from '../../storage/database.ts'
import { selectPdus } from './for-servers.store.ts'
import { atOnce, createBreath, type StoredPdu, storedPduOf } from './stored-pdu.ts'

type InRoom = { readonly roomId: RoomId; readonly rules: RoomRules }

/** Reads events of a room, some at a time and not in their order; other work is done in between, however many they are. */
export async function* readPdus(select: Select, roomId: RoomId, eventIds: readonly EventId[]): AsyncGenerator<StoredPdu[]> {
  const breath = createBreath()
  for (let from = 0; from < eventIds.length; from += atOnce) {
    const events: StoredPdu[] = []
    for (const row of await select(selectPdus, eventIds.slice(from, from + atOnce))) {
      if (row.room_id === roomId) events.push(storedPduOf(row))
      await breath()
    }
    yield events
  }
}

/** The ids of what events of a room build on. */
export function* citedBy(events: readonly StoredPdu[], { rules, roomId }: InRoom): Iterable<EventId> {
  for (const { pdu } of events) yield* authorisingIdsOf(pdu, rules, roomId)
}

/**
 * Reads an auth chain: the events that some others build on, and those that these build on, to the end, each once. As far as they are here, and in the
 * room. https://spec.matrix.org/v1.19/server-server-api/#retrieving-event-authorisation-information
 */
export async function* readAuthChain(select: Select, room: InRoom, cited: Iterable<EventId>): AsyncGenerator<StoredPdu[]> {
  const seen = new Set(cited)
  for (let next = [...seen]; next.length > 0; ) {
    const found: EventId[] = []
    for await (const events of readPdus(select, room.roomId, next)) {
      yield events
      for (const eventId of citedBy(events, room)) {
        if (seen.has(eventId)) continue
        seen.add(eventId)
        found.push(eventId)
      }
    }
    next = found
  }
}
