import type { EventId, RoomId } from '../core/ids.ts'
import { parseStored } from '../core/lossless-json.ts'
import type { Pdu } from '../core/pdu.ts'
import type { EventRow } from './events.store.ts'
import type { TimelineEvent } from './graph.ts'
import { threadNamed } from './unread/thread-of.ts'

/** Reads a stored PDU; integers that JavaScript cannot hold stay bigints. */
export function parsePdu(json: Uint8Array): Pdu {
  return parseStored(json) as unknown as Pdu
}

/** A row as an event in its place. */
export function eventOf(row: EventRow): TimelineEvent {
  const pdu = parsePdu(row.json)
  const isRedacted = row.redacted_by !== null
  const replaced = row.replaced === null ? undefined : parsePdu(row.replaced)
  return {
    eventId: row.event_id as EventId,
    roomId: row.room_id as RoomId,
    pdu,
    position: row.position ?? undefined,
    depth: row.depth,
    order: row.room_order,
    stateGroup: row.state_group,
    headGroup: row.head_group ?? row.state_group,
    replaces: (row.replaces ?? undefined) as EventId | undefined,
    replacedContent: replaced?.content,
    replacedSender: replaced?.sender,
    thread: isRedacted ? undefined : (threadNamed(pdu.content) ?? ((row.thread_id ?? undefined) as EventId | undefined)),
    redactedBy: (row.redacted_by ?? undefined) as EventId | undefined,
    redactedBecause: row.because === null ? undefined : parsePdu(row.because),
    sentBy: row.session === null || row.transaction_id === null ? undefined : { session: row.session, transactionId: row.transaction_id },
    delayId: row.delay_id ?? undefined,
    handed: row.handed === 1,
    gap: row.gap === 1,
  }
}
