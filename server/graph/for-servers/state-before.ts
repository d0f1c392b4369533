import type { EventId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import type { Room } from '../room.ts'
import type { PastStates } from '../state-at.ts'
import { pastEvents } from '../state-text/past-events.ts'
import type { StoredPdu } from './stored-pdu.ts'

type Tools = Pick<Home, 'database'> & { readonly past: PastStates }

/** The ids of the state before an event: that after it, but for what the event itself changed. Undefined where no state is known. */
export async function stateBefore(tools: Tools, room: Room, event: StoredPdu): Promise<EventId[] | undefined> {
  if (event.isOutlier || event.isRejected) return undefined
  const ids = (await pastEvents(tools, room, event.stateGroup)).map(({ eventId }) => eventId)
  const own = ids.indexOf(event.eventId)
  if (own >= 0) ids.splice(own, 1, ...(event.replaces === undefined ? [] : [event.replaces]))
  return ids
}
