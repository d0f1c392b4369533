import { setImmediate } from 'node:timers/promises'
import type { EventId, RoomId, UserId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import type { Graph, MembershipName, StateText } from '../graph.ts'
import { untilWhole } from '../partial/until-whole.ts'
import { keepText, type Room } from '../room.ts'
import type { Rooms } from '../rooms.ts'
import type { PastStates } from '../state-at.ts'
import { parsePdu } from '../stored-event.ts'
import { createKeptTexts } from './kept-texts.ts'
import { pastEvents } from './past-events.ts'
import { selectStateJson } from './state-text.store.ts'
import { stateTextOf } from './state-text.ts'

type Tools = Pick<Home, 'database' | 'notifier' | 'serverName'> & {
  readonly rooms: Rooms
  readonly past: Pick<PastStates, 'chain' | 'entry'>
}
type Found = Map<string, StateText>
type IsWanted = (membership: MembershipName) => boolean

/** How many events are read and written at a time, other work in between. */
const atOnce = 200
/** What is kept of all rooms, in characters of text and bytes of bodies. */
const mostKept = 64 * 1024 * 1024
const mostTries = 10

/**
 * States as text. The memberships of a room are kept as text with the room once somebody asked for them, so that the members of a large room cost
 * neither a read nor a parse; the rooms that nobody asked for longest lose theirs when they are too long in all.
 */
export function createStateTexts(tools: Tools, most = mostKept): Pick<Graph, 'stateTexts' | 'memberTexts' | 'joinedMembersText'> {
  const { rooms } = tools
  const kept = createKeptTexts(rooms, most)

  async function current(room: Room, isWanted: IsWanted): Promise<StateText[]> {
    kept.touch(room)
    const found: Found = new Map()
    for (let tries = 0; tries < mostTries; tries++) {
      const missing = missingOf(room, isWanted, found)
      if (missing.length === 0) break
      await read(tools, room, missing, found)
      kept.keep(room)
    }
    const texts: StateText[] = []
    for (const [userId, { membership, eventId }] of room.members) {
      const text = isWanted(membership) ? (room.memberTexts.get(userId) ?? found.get(eventId)) : undefined
      if (text !== undefined) texts.push(text)
    }
    return texts
  }

  async function whole(roomId: RoomId, stateGroup: string, isWanted: IsWanted) {
    await untilWhole(tools, roomId)
    const room = await rooms.load(roomId)
    if (room === undefined) return { members: [], others: [] }
    if (room.stateGroup === stateGroup) {
      const members = await current(room, isWanted)
      if (room.stateGroup === stateGroup) return { members, others: [...othersOf(room)] }
    }
    const { members, others } = await past(tools, room, stateGroup)
    kept.keep(room)
    return { members: members.filter(({ membership }) => isWanted(membership!)), others }
  }

  return {
    memberTexts: async (roomId, stateGroup, isWanted) => (await whole(roomId, stateGroup, isWanted)).members,
    stateTexts: async (roomId, stateGroup) => {
      const { members, others } = await whole(roomId, stateGroup, () => true)
      return [...others, ...members]
    },
    joinedMembersText: async (roomId) => {
      await untilWhole(tools, roomId)
      const room = await rooms.load(roomId)
      if (room === undefined) return Buffer.from('{"joined":{}}')
      const known = kept.body(room)
      const changes = room.memberChanges
      if (known?.changes === changes) {
        kept.touch(room)
        return known.bytes
      }
      const joined = await current(room, (membership) => membership === 'join')
      const bytes = Buffer.from(`{"joined":{${joined.map(({ profile }) => profile).join(',')}}}`)
      if (room.memberChanges === changes) kept.keepBody(room, { changes, bytes })
      return bytes
    },
  }
}

function missingOf(room: Room, isWanted: IsWanted, found: Found): EventId[] {
  const missing: EventId[] = []
  for (const [userId, { membership, eventId }] of room.members) {
    if (isWanted(membership) && !found.has(eventId) && !room.memberTexts.has(userId)) missing.push(eventId)
  }
  return missing
}

function* othersOf(room: Room): Iterable<StateText> {
  for (const event of room.state.values()) if (event.pdu.type !== 'm.room.member') yield stateTextOf(event, room.roomId)
}

/** The state of a group: what is still so is taken from memory, the rest is read. */
async function past(tools: Tools, room: Room, stateGroup: string): Promise<{ members: StateText[]; others: StateText[] }> {
  const events = await pastEvents(tools, room, stateGroup)
  const found: Found = new Map()
  await read(
    tools,
    room,
    events.filter(({ text }) => text === undefined).map(({ eventId }) => eventId),
    found,
  )
  const members: StateText[] = []
  const others: StateText[] = []
  for (const { eventId, text = found.get(eventId) } of events) {
    if (text !== undefined) (text.membership === undefined ? others : members).push(text)
  }
  return { members, others }
}

/** Reads state events, and keeps those that are current memberships: unless one of them has changed meanwhile, by a redaction perhaps. */
async function read({ database }: Tools, room: Room, eventIds: readonly EventId[], found: Found): Promise<void> {
  for (let at = 0; at < eventIds.length; at += atOnce) {
    if (at > 0) await setImmediate()
    const { memberChanges } = room
    for (const { event_id, json } of await database.select(selectStateJson, eventIds.slice(at, at + atOnce))) {
      const pdu = parsePdu(json)
      const text = stateTextOf({ eventId: event_id as EventId, pdu }, room.roomId)
      found.set(event_id, text)
      const userId = pdu.state_key as UserId
      const isCurrent = pdu.type === 'm.room.member' && room.members.get(userId)?.eventId === event_id
      if (isCurrent && memberChanges === room.memberChanges) keepText(room, userId, text)
    }
  }
}
