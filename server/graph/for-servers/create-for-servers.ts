import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import { forbidden, notFound } from '../../core/matrix-error.ts'
import { isAllowedByAcl } from '../../core/servers/server-acl.ts'
import type { Home } from '../../home.ts'
import type { Erasure } from '../erasure.ts'
import { selectSentFrom, selectSentUntil } from '../events.store.ts'
import type { Memberships } from '../memberships.ts'
import type { States } from '../receive/resolve-state.ts'
import { type Room, stateKeyOf } from '../room.ts'
import { type Rooms, refresh } from '../rooms.ts'
import type { PastStates } from '../state-at.ts'
import { citedBy, readAuthChain } from './auth-chain.ts'
import { selectPdus } from './for-servers.store.ts'
import type { Asked, ForServers } from './for-servers.ts'
import { createKeptAnswers } from './kept-answers.ts'
import { createMayRead, isAuthEvent, isCurrent, type MayRead } from './readable.ts'
import { frameBefore, stateBefore } from './state-before.ts'
import { stateBody, stateIdsBody } from './state-body.ts'
import { atOnce, createBreath, redactedText, type StoredPdu, storedPduOf } from './stored-pdu.ts'
import { eventsBefore, missingEvents } from './walk.ts'

type Given = Pick<Home, 'database' | 'serverName'> & {
  readonly rooms: Rooms
  readonly memberships: Memberships
  readonly past: PastStates
  readonly states: States
} & Pick<Erasure, 'isErased'>
type Tools = Given & { readonly mayRead: MayRead }

const mostKeptBytes = 32 * 1024 * 1024
/** A state of some ten thousand events; longer ones are told as they are read. */
const mostOfOne = 8 * 1024 * 1024
const mostPages = 20
/** Fewer are no burden to whoever joins. */
const manyMembers = 100

/** Rooms as other servers may read them. https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events */
export function createForServers(given: Given): ForServers {
  const tools: Tools = { ...given, mayRead: createMayRead(given) }
  const { select } = tools.database
  const kept = createKeptAnswers(mostKeptBytes, mostOfOne)

  return {
    event: (eventId, server) => oneEvent(tools, eventId, server),
    stateWithoutMembers: async (asked) => {
      const { room, event } = await openEvent(tools, asked)
      const ids = room.members.size < manyMembers ? undefined : await frameBefore(tools, room, event)
      return ids && stateBody(select, room, ids, () => true, citedBy([event], room))
    },
    state: async (asked) => {
      const { room, event } = await openEvent(tools, asked)
      // Whoever was not to see the event is told of the past what joining tells: what rules the room, and what still is so.
      const isWhole = await tools.mayRead(event, room, asked.server)
      const ids = await idsBefore(tools, room, event)
      const key = `state\0${event.eventId}\0${isWhole}\0${room.position}`
      return kept(key, () => stateBody(select, room, ids, (one) => isWhole || isAuthEvent(one) || isCurrent(room, one)))
    },
    stateIds: async (asked) => {
      const { room, event } = await openEvent(tools, asked)
      const ids = await idsBefore(tools, room, event)
      return kept(`ids\0${event.eventId}`, () => stateIdsBody(select, room, ids))
    },
    authChain: async (asked) => {
      const { room, event } = await openEvent(tools, asked)
      const chain: Uint8Array[] = []
      for await (const events of readAuthChain(select, room, citedBy([event], room))) chain.push(...events.map(({ json }) => json))
      return chain
    },
    backfill: async (roomId, server, from, limit) => {
      const room = await openRoom(tools, roomId, server)
      return textsFor(tools, room, server, await eventsBefore(select, roomId, from, limit))
    },
    missing: async (roomId, server, missing) => {
      const room = await openRoom(tools, roomId, server)
      return textsFor(tools, room, server, await missingEvents(select, roomId, missing))
    },
    newest: async (roomId, server) => {
      const room = await freshRoom(tools, roomId)
      if (!isOpenTo(room, server)) return []
      const events = (await select(selectPdus, room.extremities)).map(storedPduOf)
      const readable = await Promise.all(events.map((event) => tools.mayRead(event, room, server)))
      return events.filter((_, at) => readable[at]).map(({ eventId }) => eventId)
    },
    closest: (roomId, server, timestamp, direction) => closest(tools, roomId, server, timestamp, direction),
  }
}

const refusal = 'there is no such room here, or your server may not read it'

/** The room as it is now, compared with the disk where other processes write too. */
async function freshRoom({ database, rooms, memberships }: Tools, roomId: RoomId): Promise<Room | undefined> {
  const room = await rooms.load(roomId)
  if (room !== undefined && database.shared) await refresh(database.select, room, memberships)
  return room
}

function isAllowed(room: Room, server: ServerName): boolean {
  return isAllowedByAcl(room.state.get(stateKeyOf('m.room.server_acl', ''))?.pdu.content, server)
}

function isOpenTo(room: Room | undefined, server: ServerName): room is Room {
  return room?.servers.has(server) === true && isAllowed(room, server)
}

/** The gate of whatever is asked of a room. */
async function openRoom(tools: Tools, roomId: RoomId, server: ServerName): Promise<Room> {
  const room = await freshRoom(tools, roomId)
  if (!isOpenTo(room, server)) throw forbidden(refusal)
  return room
}

/** The gate of what is asked of one event of a room. */
async function openEvent(tools: Tools, { roomId, eventId, server }: Asked): Promise<{ room: Room; event: StoredPdu }> {
  const room = await openRoom(tools, roomId, server)
  const event = await readEvent(tools, eventId)
  if (event === undefined || event.roomId !== roomId || event.isRejected) throw notFound('there is no such event in this room')
  return { room, event }
}

async function readEvent({ database }: Tools, eventId: EventId): Promise<StoredPdu | undefined> {
  const row = await database.selectOne(selectPdus, [eventId])
  return row === undefined ? undefined : storedPduOf(row)
}

async function oneEvent(tools: Tools, eventId: EventId, server: ServerName): Promise<Uint8Array> {
  const event = await readEvent(tools, eventId)
  const room = event === undefined ? undefined : await freshRoom(tools, event.roomId)
  if (event === undefined || room === undefined || !isAllowed(room, server)) throw noSuchEvent()
  if (await tools.mayRead(event, room, server)) return event.json
  if (!room.servers.has(server)) throw noSuchEvent()
  return redactedText(event, room.rules)
}

function noSuchEvent() {
  return notFound('there is no such event here, or your server may not see it')
}

async function textsFor(tools: Tools, room: Room, server: ServerName, events: readonly StoredPdu[]): Promise<Uint8Array[]> {
  const breath = createBreath()
  const texts: Uint8Array[] = []
  for (const event of events) {
    texts.push((await tools.mayRead(event, room, server)) ? event.json : redactedText(event, room.rules))
    await breath()
  }
  return texts
}

async function idsBefore(tools: Tools, room: Room, event: StoredPdu): Promise<EventId[]> {
  const ids = await stateBefore(tools, room, event)
  if (ids === undefined) throw notFound('the state at this event is not known here')
  return ids
}

async function closest(
  tools: Tools,
  roomId: RoomId,
  server: ServerName,
  timestamp: number,
  direction: 'b' | 'f',
): ReturnType<ForServers['closest']> {
  const room = await openRoom(tools, roomId, server)
  const { select } = tools.database
  const breath = createBreath()
  for (let page = 0; page < mostPages; page++) {
    const rows = await select(direction === 'f' ? selectSentFrom : selectSentUntil, roomId, timestamp, atOnce, page * atOnce)
    const ids = rows.map(({ event_id }) => event_id as EventId)
    const events = new Map((await select(selectPdus, ids)).map((row) => [row.event_id, row]))
    for (const eventId of ids) {
      const row = events.get(eventId)
      const event = row === undefined ? undefined : storedPduOf(row)
      if (event !== undefined && (await tools.mayRead(event, room, server))) {
        return { eventId, timestamp: Number(event.pdu.origin_server_ts) }
      }
      await breath()
    }
    if (rows.length < atOnce) return undefined
  }
  return undefined
}
