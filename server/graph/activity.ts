import type { EventId, RoomId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { selectEvents } from './events.store.ts'
import type { Graph, RoomKind } from './graph.ts'
import { selectBumps, selectCreateEvents, selectEncryptedRooms, selectRoomPositions } from './rooms.store.ts'
import type { Rooms } from './rooms.ts'
import { eventOf, parsePdu } from './stored-event.ts'

type Tools = Pick<Home, 'database' | 'notifier'> & { readonly rooms: Pick<Rooms, 'peek'> }

const mostRooms = 1_000_000
const mostStays = 50_000

/** The types of events that a client sorts its rooms by (MSC4186); `selectBumps` names the same. */
const bumping = new Set([
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
])

/** What lists of rooms are made from, for many rooms at once and without loading any of them. */
export function createActivity(tools: Tools): Pick<Graph, 'lastActivity' | 'bumpStamps' | 'roomKinds' | 'endedStays'> {
  return {
    lastActivity: lastActivity(tools),
    bumpStamps: bumpStamps(tools),
    roomKinds: roomKinds(tools),
    endedStays: endedStays(tools),
  }
}

/** Each room's position is asked once, then follows the log. What is heard of a room while it is asked is kept beside it. */
function lastActivity({ database, notifier }: Tools): Graph['lastActivity'] {
  const last = new Map<RoomId, number>()
  const asked = new Map<RoomId, number>()
  const hear = (positions: Map<RoomId, number>, roomId: RoomId, position: number) => {
    const known = positions.get(roomId)
    if (known !== undefined && known < position) positions.set(roomId, position)
  }
  notifier.onAdvance((_, rows) => {
    for (const { kind, key, position } of rows) {
      if (kind !== 'event') continue
      hear(last, key as RoomId, position)
      hear(asked, key as RoomId, position)
    }
  })
  return async (roomIds) => {
    const missing: RoomId[] = []
    for (const roomId of roomIds) if (!last.has(roomId)) missing.push(roomId)
    if (missing.length === 0) return last
    for (const roomId of missing) if (!asked.has(roomId)) asked.set(roomId, 0)
    const rows = await database.select(selectRoomPositions, missing)
    const found = new Map(rows.map((row) => [row.room_id, row.position]))
    if (last.size > mostRooms) last.clear()
    for (const roomId of missing) {
      last.set(roomId, Math.max(found.get(roomId) ?? 0, asked.get(roomId) ?? 0, last.get(roomId) ?? 0))
      asked.delete(roomId)
    }
    return last
  }
}

/** From the events in memory where they tell it, one question for all the others. */
function bumpStamps({ database, rooms }: Tools): Graph['bumpStamps'] {
  return async (roomIds, upTo) => {
    const stamps = new Map<RoomId, number>()
    const others: RoomId[] = []
    for (const roomId of roomIds) {
      const newest = rooms.peek(roomId)?.timeline.findLast(({ pdu, position }) => bumping.has(pdu.type) && (position ?? upTo + 1) <= upTo)
      if (newest?.position === undefined) others.push(roomId)
      else stamps.set(roomId, newest.position)
    }
    if (others.length === 0) return stamps
    for (const { room_id, position } of await database.select(selectBumps, upTo, others)) stamps.set(room_id as RoomId, position ?? 0)
    return stamps
  }
}

/** A room's type is for ever, and so is encryption once it is on. */
function roomKinds({ database }: Tools): Graph['roomKinds'] {
  const types = new Map<RoomId, string | undefined>()
  const encrypted = new Set<RoomId>()
  return async (roomIds) => {
    const untyped = roomIds.filter((roomId) => !types.has(roomId))
    const unencrypted = roomIds.filter((roomId) => !encrypted.has(roomId))
    const [creations, encryptions] = await Promise.all([
      untyped.length === 0 ? [] : database.select(selectCreateEvents, untyped),
      unencrypted.length === 0 ? [] : database.select(selectEncryptedRooms, unencrypted),
    ])
    if (types.size > mostRooms) types.clear()
    if (encrypted.size > mostRooms) encrypted.clear()
    for (const { room_id, json } of creations) {
      const type = parsePdu(json).content['type']
      types.set(room_id as RoomId, typeof type === 'string' ? type : undefined)
    }
    for (const { room_id } of encryptions) encrypted.add(room_id as RoomId)
    return new Map(roomIds.map((roomId): [RoomId, RoomKind] => [roomId, { type: types.get(roomId), encrypted: encrypted.has(roomId) }]))
  }
}

function endedStays({ database }: Tools): Graph['endedStays'] {
  const known = new Map<EventId, boolean>()
  return async (eventIds) => {
    const unknown = eventIds.filter((eventId) => !known.has(eventId))
    const rows = unknown.length === 0 ? [] : await database.select(selectEvents, unknown)
    const ended = new Set<EventId>()
    for (const { eventId, replacedContent } of rows.map(eventOf)) {
      if (replacedContent?.['membership'] === 'join') ended.add(eventId)
    }
    for (const eventId of unknown) known.set(eventId, ended.has(eventId))
    for (const eventId of eventIds) if (known.get(eventId) === true) ended.add(eventId)
    if (known.size > mostStays) known.clear()
    return ended
  }
}
