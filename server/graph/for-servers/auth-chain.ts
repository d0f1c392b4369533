import type { EventId, RoomId } from '../../core/ids.ts'
import { authEventIdsOf } from '../../core/pdu.ts'
import type { Select } from '../../storage/database.ts'
import { selectPdus } from './for-servers.store.ts'
import { atOnce, createBreath, type StoredPdu, storedPduOf } from './stored-pdu.ts'

/** Takes one event after the other. */
export type Take = (event: StoredPdu) => void

/**
 * Hands over events of a room, and gives all that they cite in `auth_events`. Not in their order; other work is done in between, however many they are.
 */
export async function readPdus(select: Select, roomId: RoomId, eventIds: readonly EventId[], take: Take): Promise<Set<EventId>> {
  const breath = createBreath()
  const cited = new Set<EventId>()
  for (let from = 0; from < eventIds.length; from += atOnce) {
    for (const row of await select(selectPdus, eventIds.slice(from, from + atOnce))) {
      if (row.room_id !== roomId) continue
      const event = storedPduOf(row)
      take(event)
      for (const eventId of authEventIdsOf(event.pdu)) cited.add(eventId)
      await breath()
    }
  }
  return cited
}

/**
 * Hands over an auth chain: the events that some others cite in `auth_events`, and those that these cite, to the end, each once. As far as they are here,
 * and in the room. https://spec.matrix.org/v1.19/server-server-api/#retrieving-event-authorisation-information
 */
export async function readAuthChain(select: Select, roomId: RoomId, cited: Iterable<EventId>, take: Take): Promise<void> {
  const seen = new Set(cited)
  for (let next = [...seen]; next.length > 0; ) {
    const found = await readPdus(select, roomId, next, take)
    next = [...found].filter((eventId) => !seen.has(eventId))
    for (const eventId of next) seen.add(eventId)
  }
}
