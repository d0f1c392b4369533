import type { JsonObject } from '../../core/json.ts'
import type { Pdu } from '../../core/pdu.ts'
import type { TimelineEvent } from '../graph.ts'

const events = new WeakMap<Pdu, JsonObject>()

/** An event as push rules see it; made once for all whose rules are asked. */
export function pushEvent({ pdu, roomId }: Pick<TimelineEvent, 'pdu' | 'roomId'>): JsonObject {
  const known = events.get(pdu)
  if (known !== undefined) return known
  const event = { ...pdu, room_id: roomId } as unknown as JsonObject
  events.set(pdu, event)
  return event
}
