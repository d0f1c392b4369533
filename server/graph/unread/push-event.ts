import type { JsonObject } from '../../core/json.ts'
import type { TimelineEvent } from '../graph.ts'

/** An event as push rules see it. */
export function pushEvent({ pdu, roomId }: Pick<TimelineEvent, 'pdu' | 'roomId'>): JsonObject {
  return { ...pdu, room_id: roomId } as unknown as JsonObject
}
