import { type EventId, isEventId, type RoomId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { relationOf } from '../../core/relation.ts'
import type { TimelineEvent } from '../graph.ts'

type Find = (eventId: EventId) => Promise<TimelineEvent | undefined>
type Parent = { readonly eventId: EventId; readonly isMereReply: boolean }

/** "Implementations should not recurse infinitely, though: a maximum of 3 hops is recommended to cover indirect relationships." */
const mostHops = 3

/** The root of the thread that an event's content names. */
export function threadNamed(content: JsonObject): EventId | undefined {
  const relation = relationOf(content)
  return relation?.relType === 'm.thread' ? relation.eventId : undefined
}

/**
 * The root of the thread in which an event with this content is: the one that it names, or that the events name to which it relates.
 * https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
 */
export async function threadOfContent(roomId: RoomId, content: JsonObject, find: Find): Promise<EventId | undefined> {
  const named = threadNamed(content)
  if (named !== undefined) return named
  for await (const { event } of relatedUpwards(roomId, content, find)) {
    const thread = event && threadNamed(event.pdu.content)
    if (thread !== undefined) return thread
  }
  return undefined
}

/**
 * Whether an event is related to a thread, its root included, or to the main timeline. A mere reply to an event of a thread is related to both: not
 * every client shows it in the thread. What was redacted or is not known here tells no relation, and may be related to everything: so may what
 * relates to it.
 */
export async function isOfThread(of: TimelineEvent, threadId: string, find: Find): Promise<boolean> {
  if (of.redactedBy !== undefined || of.eventId === threadId || of.thread === threadId) return true
  const named = threadNamed(of.pdu.content)
  if (named !== undefined) return named === threadId
  for await (const { event, isStrict } of relatedUpwards(of.roomId, of.pdu.content, find)) {
    if (event === undefined || event.redactedBy !== undefined) return true
    const thread = threadNamed(event.pdu.content)
    if (event.eventId === threadId || thread === threadId) return true
    if (thread !== undefined) return threadId === 'main' && !isStrict
  }
  return threadId === 'main'
}

/**
 * The events of this room to which one relates, hop by hop, the last of them undefined when it is not known; strictly as long as none of the hops was
 * a mere reply.
 */
async function* relatedUpwards(roomId: RoomId, content: JsonObject, find: Find) {
  let parent = parentOf(content)
  let isStrict = true
  for (let hops = 0; hops < mostHops && parent !== undefined; hops++) {
    const event = await find(parent.eventId)
    if (event !== undefined && event.roomId !== roomId) return
    isStrict &&= !parent.isMereReply
    yield { event, isStrict }
    parent = event && parentOf(event.pdu.content)
  }
}

/** "Though rich replies form a relationship to another event, they do not use rel_type to create this relationship." */
export function parentOf(content: JsonObject): Parent | undefined {
  const relation = relationOf(content)
  if (relation !== undefined) return { eventId: relation.eventId, isMereReply: false }
  const relatesTo = content['m.relates_to']
  const reply = relatesTo !== undefined && isJsonObject(relatesTo) ? relatesTo['m.in_reply_to'] : undefined
  const eventId = reply !== undefined && isJsonObject(reply) ? reply['event_id'] : undefined
  return isEventId(eventId) ? { eventId, isMereReply: true } : undefined
}
