import { createHash } from 'node:crypto'
import { notificationLevel, powerScope, userPower } from '../core/event-auth/power-levels.ts'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { Pdu } from '../core/pdu.ts'
import { relationOf } from '../core/relation.ts'
import { type Guard, guard, type LogRow, type Part, type Write, write } from '../storage/database.ts'
import type { Decided, Decision } from './draft.ts'
import { insertEvent, insertHighlight, updateRedacted } from './events.store.ts'
import type { AppendOptions } from './graph.ts'
import { upsertMembership } from './memberships.store.ts'
import { brokenRelation, duplicateGuard, relationWrites } from './relations.ts'
import { type Room, stateKeyOf } from './room.ts'
import { insertRoom, updateRoom } from './rooms.store.ts'
import { insertStateChange, insertStateGroup, insertStateGroupEntry, mergeStateGroups, upsertCurrentState } from './state.store.ts'
import { insertTransaction, selectTransaction } from './transactions.store.ts'

/** What stands behind a client's transaction id: its session, the endpoint's path with its ids, and the id. */
export type TransactionOf = NonNullable<AppendOptions['transaction']>

/** One key for a transaction; paths and ids may be long. */
export function transactionKey({ session, path, id }: TransactionOf): string {
  return createHash('sha256').update(`${session}\0${path}\0${id}`).digest('base64url')
}

/** The writes of one part: events, state, memberships, effects, the room's head and its log rows, with what the caller adds. */
export function partOf(
  room: Pick<Room, 'roomId' | 'rules' | 'joined' | 'state'>,
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
    writes.push(eventWrite(room.roomId, event, at, options.transaction))
    if (event.pdu.state_key !== undefined) pushState(writes, log, room.roomId, event, at)
    if (event.redaction !== undefined) {
      writes.push(write(updateRedacted, bytesOf(event.redaction.pdu), event.eventId, event.redaction.eventId))
      writes.push(...brokenRelation(event.redaction.eventId))
    }
    const relation = relationOf(event.pdu.content)
    if (relation !== undefined) {
      guards.push(...duplicateGuard(room.roomId, event.pdu, relation))
      writes.push(...relationWrites(room.roomId, event, relation, at))
    }
    for (const userId of highlighted(event.pdu, room)) writes.push(write(insertHighlight, userId, room.roomId, at))
  }
  writes.push(headWrite(room, decision, claim, positions.at(-1) ?? 0))
  guards.push(...(options.guards ?? []))
  if (key !== undefined) writes.push(write(insertTransaction, key, idsOf(decision), now))
  writes.push(...(options.writes ?? []))
  log.push(...(options.log ?? []))
  return { part: { guards, writes, log } satisfies Part, positions }
}

function eventWrite(roomId: RoomId, event: Decided, at: number, transaction: TransactionOf | undefined): Write {
  const { pdu } = event
  const { session = null, id = null } = transaction ?? {}
  return write(
    insertEvent,
    event.eventId,
    roomId,
    at,
    Number(pdu.depth),
    at,
    pdu.type,
    pdu.state_key ?? null,
    pdu.sender,
    event.stateGroup,
    event.notifying,
    session,
    id,
    event.replaces?.eventId ?? null,
    Number(pdu.origin_server_ts),
    bytesOf(pdu),
  )
}

function pushState(writes: Write[], log: LogRow[], roomId: RoomId, event: Decided, at: number): void {
  const { pdu, eventId, newGroup } = event
  const stateKey = pdu.state_key ?? ''
  if (newGroup !== undefined) {
    writes.push(write(insertStateGroup, eventId, roomId, newGroup.ordinal, newGroup.previous ?? null))
    writes.push(write(insertStateGroupEntry, eventId, pdu.type, stateKey, eventId))
    if (newGroup.merged.length > 0) writes.push(write(mergeStateGroups, eventId, newGroup.merged))
  }
  writes.push(write(upsertCurrentState, roomId, pdu.type, stateKey, eventId))
  writes.push(write(insertStateChange, roomId, at, pdu.type, stateKey, eventId))
  if (pdu.type !== 'm.room.member') return
  const membership = String(pdu.content['membership'])
  writes.push(write(upsertMembership, stateKey, roomId, membership, eventId, pdu.sender, at, membership, at))
  log.push({ kind: 'membership', key: stateKey })
}

function headWrite(room: Pick<Room, 'roomId' | 'rules'>, { head }: Decision, claim: number, last: number): Write {
  if (claim === 0) {
    return write(insertRoom, room.roomId, room.rules.version, head.stateGroup, head.extremities, head.depth, last, head.notifying)
  }
  return write(updateRoom, claim + 1, head.stateGroup, head.extremities, head.depth, last, head.notifying, room.roomId)
}

/** Those whom a message names by intent; the empty string stands for the whole room. Costs nothing per member. */
function* highlighted(pdu: Pdu, room: Pick<Room, 'rules' | 'joined' | 'state'>): Iterable<UserId | ''> {
  const mentions = pdu.content['m.mentions']
  if (pdu.state_key !== undefined || !isJsonObject(mentions)) return
  if (mentions['room'] === true && mayNotifyRoom(pdu, room)) yield ''
  const named = Array.isArray(mentions['user_ids']) ? mentions['user_ids'].slice(0, 100) : []
  for (const userId of new Set(named)) {
    if (typeof userId === 'string' && userId !== pdu.sender && room.joined.has(userId as UserId)) yield userId as UserId
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels, `notifications`. */
function mayNotifyRoom({ sender }: Pdu, { rules, state }: Pick<Room, 'rules' | 'state'>): boolean {
  const scope = powerScope((type, stateKey) => state.get(stateKeyOf(type, stateKey))?.pdu, rules)
  return userPower(scope, sender) >= notificationLevel(scope, 'room')
}

/** A PDU as it is stored. */
export function bytesOf(pdu: Pdu): Uint8Array {
  return Buffer.from(JSON.stringify(pdu))
}

/** The ids of a decision's events. */
export function idsOf(decision: Decision): EventId[] {
  return decision.events.map((event) => event.eventId)
}
