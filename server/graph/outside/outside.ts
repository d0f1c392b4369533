import { canonicalJson } from '../../core/canonical-json.ts'
import type { RoomId, ServerName, UserId } from '../../core/ids.ts'
import { writeStored } from '../../core/lossless-json.ts'
import type { Pdu } from '../../core/pdu.ts'
import { roomRules } from '../../core/room-versions.ts'
import { guard, type Write, write } from '../../storage/database.ts'
import type { Membership, OutsideMembership, OutsideNote, StateEvent, TimelineEvent } from '../graph.ts'
import { upsertMembership } from '../memberships.store.ts'
import { bytesOfReceived, depthOf, loadStored, orderOfHistory } from '../receive/known-events.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { parsePdu } from '../stored-event.ts'
import {
  deleteOutside,
  type OutsideRow,
  selectJoined,
  selectOutside,
  selectOutsideOfRoom,
  selectStanding,
  upsertOutside,
} from './outside.store.ts'
import { parseStripped, strippedText } from './stripped-state.ts'

const mostServers = 20

/**
 * Keeps what a user is in a room that this server is not in, in the place of what was kept before, and wakes the user's readers. False when the user
 * has joined the room meanwhile, or what it is to end stands no more.
 */
export async function noteOutside({ database, memberships }: ReceiveTools, note: OutsideNote): Promise<boolean> {
  const { userId, roomId, event, instead } = note
  const { eventId } = event
  const { unsigned: _, ...pdu } = event.pdu
  const outcome = await database.commit({
    guards: [
      guard('joined', 'no row', selectJoined, userId, roomId),
      ...(instead === undefined ? [] : [guard('standing', 'row', selectStanding, userId, roomId, instead)]),
    ],
    writes: [membershipWrite(userId, roomId, { eventId, pdu }, 0), rowWrite(note)],
    log: [{ kind: 'membership', key: userId }],
    applied: (position) => memberships.apply(roomId, [{ type: 'm.room.member', stateKey: userId, event: { eventId, pdu } }], position),
  })
  return outcome.ok
}

export function rowWrite({ userId, roomId, version, event, servers, state }: OutsideNote): Write {
  const { unsigned: _, ...pdu } = event.pdu
  const json = bytesOfReceived(pdu, { strictJson: roomRules(version)?.strictJson ?? true })
  const known = JSON.stringify([...new Set(servers)].slice(0, mostServers))
  return write(upsertOutside, userId, roomId, event.eventId, version, known, writeStored(canonicalJson([...state], false)), json)
}

/** What a user is in a room, if this server is not in it and knows of the user's part there all the same. */
export async function findOutside(tools: ReceiveTools, userId: UserId, roomId: RoomId): Promise<OutsideMembership | undefined> {
  const membership = (await tools.memberships.of(userId)).get(roomId)
  if (membership === undefined || membership.membership === 'join') return undefined
  if (await isResident(tools, roomId)) return undefined
  const row = await tools.database.selectOne(selectOutside, userId, roomId)
  return row === undefined || row.event_id !== membership.eventId ? undefined : outsideOf(row, membership)
}

/** Whether somebody of this server is in a room. */
export async function isResident({ rooms, serverName }: Pick<ReceiveTools, 'rooms' | 'serverName'>, roomId: RoomId): Promise<boolean> {
  return (await rooms.load(roomId))?.servers.has(serverName) === true
}

/** The membership's own event stands last; no other one speaks of the same. */
export function outsideStateText({ event, state }: OutsideMembership): string {
  const { type, state_key: stateKey = '', sender, content } = event.pdu
  const others = state.filter((one) => one.type !== type || one.state_key !== stateKey)
  const isIn = event.pdu.content['membership'] === 'invite' || event.pdu.content['membership'] === 'knock'
  return isIn ? `[${[...others, { type, state_key: stateKey, sender, content }].map(strippedText).join(',')}]` : '[]'
}

/**
 * The same, or what the user was in the room when this server left it: an invitation or a knock that is still there, of which the room itself tells
 * nothing new.
 */
export async function findStanding(tools: ReceiveTools, userId: UserId, roomId: RoomId): Promise<OutsideMembership | undefined> {
  const outside = await findOutside(tools, userId, roomId)
  if (outside !== undefined) return outside
  const membership = (await tools.memberships.of(userId)).get(roomId)
  const room = await tools.rooms.load(roomId)
  if (membership === undefined || room === undefined || room.servers.size === 0 || room.servers.has(tools.serverName)) return undefined
  const { eventId } = membership
  const pdu = (await loadStored(tools.database.select, [eventId])).get(eventId)?.pdu
  if (pdu === undefined || (membership.membership !== 'invite' && membership.membership !== 'knock')) return undefined
  const servers = [...room.servers.keys()].slice(0, mostServers)
  return { membership, version: room.rules.version, servers, event: eventOutside(roomId, pdu, membership), state: [] }
}

function outsideOf(row: OutsideRow, membership: Membership): OutsideMembership {
  const event = eventOutside(row.room_id as RoomId, parsePdu(row.json), membership)
  return { membership, version: row.room_version, servers: JSON.parse(row.servers) as ServerName[], event, state: parseStripped(row.state) }
}

function eventOutside(roomId: RoomId, pdu: Pdu, membership: Membership): TimelineEvent {
  return {
    eventId: membership.eventId,
    roomId,
    pdu,
    position: membership.position,
    depth: depthOf(pdu),
    order: orderOfHistory(membership.eventId),
    stateGroup: '',
    headGroup: '',
    replaces: undefined,
    replacedContent: undefined,
    replacedSender: undefined,
    thread: undefined,
    redactedBy: undefined,
    redactedBecause: undefined,
    sentBy: undefined,
    delayId: undefined,
    handed: false,
    gap: false,
  }
}

/** This server is in the room from now on: what was known from outside ends, and memberships are what the room says. */
export async function endOutside({ database, rooms, memberships }: ReceiveTools, roomId: RoomId): Promise<void> {
  const rows = await database.select(selectOutsideOfRoom, roomId)
  const room = rows.length === 0 ? undefined : await rooms.load(roomId)
  if (room === undefined) return
  const events = await loadStored(
    database.select,
    rows.flatMap(({ user_id }) => room.members.get(user_id as UserId)?.eventId ?? []),
  )
  const writes: Write[] = []
  const moved: { readonly userId: UserId; readonly event: StateEvent }[] = []
  for (const { user_id, event_id, json } of rows) {
    const userId = user_id as UserId
    writes.push(write(deleteOutside, userId, roomId))
    const current = room.members.get(userId)?.eventId
    const held = (await memberships.of(userId)).get(roomId)?.eventId
    if (held !== event_id || held === current) continue
    const event = (current && events.get(current)) ?? neverWas({ eventId: held, pdu: parsePdu(json) })
    writes.push(membershipWrite(userId, roomId, event, moved.length))
    moved.push({ userId, event })
  }
  await database.commit({
    writes,
    log: moved.map(({ userId }) => ({ kind: 'membership', key: userId })),
    applied: (first) => {
      for (const [at, { userId, event }] of moved.entries()) {
        memberships.apply(roomId, [{ type: 'm.room.member', stateKey: userId, event }], first + at)
      }
    },
  })
}

/** Of what somebody said from outside and the room does not know nothing is left; the user is told that it is over. */
function neverWas({ eventId, pdu }: StateEvent): StateEvent {
  return { eventId, pdu: { ...pdu, sender: pdu.state_key as UserId, content: { membership: 'leave' } } }
}

function membershipWrite(userId: UserId, roomId: RoomId, { eventId, pdu }: StateEvent, at: number): Write {
  const membership = String(pdu.content['membership'])
  return write(upsertMembership, userId, roomId, membership, eventId, pdu.sender, at, membership, at)
}
