import { createHash } from 'node:crypto'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import type { Pdu } from '../core/pdu.ts'
import { relationOf } from '../core/relation.ts'
import { type Guard, guard, type LogRow, type Part, type Write, write } from '../storage/database.ts'
import type { Decided, Decision, NewStateGroup } from './draft.ts'
import { insertEvent, insertReceived, updateGap, updateHanded, updateRedacted } from './events.store.ts'
import type { AppendOptions } from './graph.ts'
import { deleteMembership, upsertMembership } from './memberships.store.ts'
import { bytesOfReceived, depthOf } from './receive/known-events.ts'
import { insertWaitingRedaction } from './receive/stored.store.ts'
import { brokenRelation, duplicateGuard, relationWrites } from './relations/relations.ts'
import type { Room, StateChange } from './room.ts'
import { insertRoom, updateRoom } from './rooms.store.ts'
import {
  deleteCurrentState,
  insertStateChange,
  insertStateGroup,
  insertStateGroupEntry,
  mergeStateGroups,
  upsertCurrentState,
} from './state.store.ts'
import { insertTransaction, selectTransaction } from './transactions.store.ts'
import { deleteHighlights, insertApart, insertHighlight, markThreadSaidIn, silenceEvent } from './unread/unread.store.ts'

/** What stands behind a client's transaction id: its session, the endpoint's path with its ids, and the id. */
export type TransactionOf = NonNullable<AppendOptions['transaction']>

/** One key for a transaction; paths and ids may be long. */
export function transactionKey({ session, path, id }: TransactionOf): string {
  return createHash('sha256').update(`${session}\0${path}\0${id}`).digest('base64url')
}

/** The writes of one part: events, state, memberships, effects, the room's head and its log rows, with what the caller adds. */
export function partOf(
  room: Pick<Room, 'roomId' | 'rules' | 'joined'>,
  decision: Decision,
  claim: number,
  options: AppendOptions,
  now: number,
) {
  const writes: Write[] = []
  const log: LogRow[] = []
  const positions: number[] = []
  const key = options.transaction === undefined ? undefined : transactionKey(options.transaction)
  const guards: Guard[] = key === undefined ? [] : [guard('transaction', 'no row', selectTransaction, key)]
  for (const event of decision.events) {
    const at = log.length
    positions.push(at)
    log.push({ kind: 'event', key: room.roomId })
    writes.push(eventWrite(room, event, at, options.transaction))
    for (const group of event.newGroups) writes.push(...groupWrites(room.roomId, group))
    for (const change of event.changes) pushChange(writes, log, room.roomId, change, at)
    if (event.redaction !== undefined) {
      writes.push(write(updateRedacted, bytesOf(event.redaction.pdu), event.eventId, event.redaction.eventId))
      writes.push(...brokenRelation(event.redaction.eventId))
    }
    if (event.waitsFor !== undefined) writes.push(write(insertWaitingRedaction, event.waitsFor, event.eventId))
    if (event.handed) writes.push(write(updateHanded, event.eventId))
    if (event.gap) writes.push(write(updateGap, event.eventId))
    const relation = relationOf(event.pdu.content)
    if (relation !== undefined) {
      if (!event.received) guards.push(...duplicateGuard(room.roomId, event.pdu, relation))
      writes.push(...relationWrites(room.roomId, event, relation, at))
    }
    writes.push(...unreadWrites(room, event, at))
  }
  for (const { changes, isTold } of decision.arrivals ?? []) {
    const at = log.length
    positions.push(at)
    log.push({ kind: 'event', key: room.roomId })
    for (const change of changes) pushChange(writes, isTold ? log : [], room.roomId, change, at)
  }
  writes.push(headWrite(room, decision, claim, positions.at(-1) ?? 0))
  guards.push(...(options.guards ?? []))
  if (key !== undefined) writes.push(write(insertTransaction, key, idsOf(decision), now))
  writes.push(...(options.writes ?? []))
  log.push(...(options.log ?? []))
  return { part: { guards, writes, log } satisfies Part, positions }
}

function eventWrite(
  { roomId, rules }: Pick<Room, 'roomId' | 'rules'>,
  event: Decided,
  at: number,
  transaction: TransactionOf | undefined,
): Write {
  const { pdu } = event
  const { session = null, id = null } = transaction ?? {}
  return write(
    event.received ? insertReceived : insertEvent,
    event.eventId,
    roomId,
    at,
    depthOf(pdu),
    at,
    pdu.type,
    pdu.state_key ?? null,
    pdu.sender,
    event.stateGroup,
    event.headGroup === event.stateGroup ? null : event.headGroup,
    event.notifying,
    session,
    id,
    event.replaces?.eventId ?? null,
    event.thread ?? null,
    event.delayId ?? null,
    Number(pdu.origin_server_ts),
    event.received ? bytesOfReceived(pdu, rules) : bytesOf(pdu),
  )
}

/** What keeps a new state group. */
export function groupWrites(roomId: RoomId, { stateGroup, ordinal, previous, merged, entries }: NewStateGroup): Write[] {
  const writes = [write(insertStateGroup, stateGroup, roomId, ordinal, previous ?? null)]
  for (const [type, stateKey, eventId] of entries) writes.push(write(insertStateGroupEntry, stateGroup, type, stateKey, eventId))
  if (merged.length > 0) writes.push(write(mergeStateGroups, stateGroup, merged))
  return writes
}

function pushChange(writes: Write[], log: LogRow[], roomId: RoomId, { type, stateKey, event }: StateChange, at: number): void {
  if (event === undefined) writes.push(write(deleteCurrentState, roomId, type, stateKey))
  else writes.push(write(upsertCurrentState, roomId, type, stateKey, event.eventId))
  writes.push(write(insertStateChange, roomId, at, type, stateKey, event?.eventId ?? null))
  if (type !== 'm.room.member') return
  log.push({ kind: 'membership', key: stateKey })
  if (event === undefined) {
    writes.push(write(deleteMembership, stateKey, roomId))
    return
  }
  const membership = String(event.pdu.content['membership'])
  writes.push(write(upsertMembership, stateKey, roomId, membership, event.eventId, event.pdu.sender, at, membership, at))
}

function headWrite(room: Pick<Room, 'roomId' | 'rules'>, { head }: Decision, claim: number, last: number): Write {
  if (claim === 0) {
    return write(insertRoom, room.roomId, room.rules.version, head.stateGroup, head.extremities, head.depth, last, head.notifying)
  }
  return write(updateRoom, claim + 1, head.stateGroup, head.extremities, head.depth, last, head.notifying, room.roomId)
}

/** What unread counts need beside the room's counter. Costs nothing per member. */
function unreadWrites({ roomId, joined }: Pick<Room, 'roomId' | 'joined'>, event: Decided, at: number): Write[] {
  const { pdu, effect, redaction, thread: threadId = '' } = event
  const { notifies, highlights, named } = effect
  const counted = notifies ? 1 : 0
  const writes: Write[] = []
  if (threadId !== '') {
    writes.push(write(insertApart, roomId, at, threadId, counted, counted))
    writes.push(write(markThreadSaidIn, pdu.sender, roomId, threadId, at))
  }
  if (highlights) writes.push(write(insertHighlight, '', roomId, at, threadId, 0))
  for (const userId of highlights ? [] : named) {
    if (userId === pdu.sender || !joined.has(userId as UserId)) continue
    writes.push(write(insertHighlight, userId, roomId, at, threadId, 1 - counted))
  }
  if (redaction?.position !== undefined) {
    writes.push(write(silenceEvent, redaction.eventId), write(deleteHighlights, roomId, redaction.eventId))
  }
  return writes
}

/** A PDU as it is stored. */
export function bytesOf(pdu: Pdu): Uint8Array {
  return Buffer.from(JSON.stringify(pdu))
}

/** The ids of a decision's events. */
export function idsOf(decision: Decision): EventId[] {
  return decision.events.map((event) => event.eventId)
}
