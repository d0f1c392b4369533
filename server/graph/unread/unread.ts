import { type DefaultEffect, defaultEffect, noEffect } from '../../core/default-effect.ts'
import type { EventId, RoomId, UserId } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Pdu } from '../../core/pdu.ts'
import type { PushReader } from '../../core/push-reader.ts'
import type { Home } from '../../home.ts'
import { write } from '../../storage/database.ts'
import type { Graph, TimelineEvent } from '../graph.ts'
import type { Memberships } from '../memberships.ts'
import type { Room, Tally } from '../room.ts'
import { need, type Rooms } from '../rooms.ts'
import { add, contextOf, countUnread, ignoresMember, none, plus, unreadOf, weigh } from './tally.ts'
import { selectReadRooms, upsertReadPosition, upsertThreadReadPosition } from './unread.store.ts'
import type { Unread } from './unread-count.ts'

type Tools = Pick<Home, 'database'> & { readonly rooms: Rooms; readonly memberships: Memberships }

const nothing: Unread = { main: none, threads: new Map(), read: { all: 0, main: 0, threads: new Map() } }

/**
 * Unread counts, made when a reader asks: a message writes nothing per member. With the predefined rules they are the room's counter of notifying
 * events less what the reader had read; under rules of one's own, the unread events are evaluated. What was counted is kept and moved forward.
 */
export function createUnread(
  tools: Tools,
): Pick<Graph, 'unread' | 'readRooms' | 'readMarker' | 'pushContext'> & { readonly forgetMark: (key: string) => void } {
  const counting = new Map<string, Promise<Tally>>()

  function forgetMark(key: string): void {
    const [userId, roomId] = key.split(' ') as [UserId, RoomId]
    counting.delete(key)
    tools.rooms.peek(roomId)?.tallies.delete(userId)
  }

  async function count(room: Room, reader: PushReader): Promise<Tally> {
    const { userId } = reader
    const key = `${userId} ${room.roomId}`
    const joinedAt = (await tools.memberships.of(userId)).get(room.roomId)?.joinedAt ?? 0
    if (reader.asksForName) await need(tools.database.select, room, tools.memberships, [userId])
    const under = countUnread(tools, room, reader, joinedAt)
    counting.set(key, under)
    try {
      const tally = await under
      // What was read meanwhile is newer than what was counted.
      if (counting.get(key) === under) room.tallies.set(userId, tally)
      return tally
    } finally {
      if (counting.get(key) === under) counting.delete(key)
    }
  }

  return {
    forgetMark,
    unread: async (roomId, reader) => {
      const room = await tools.rooms.load(roomId)
      if (room?.joined.has(reader.userId) !== true) return nothing
      const tally = room.tallies.get(reader.userId)
      if (tally?.reader === reader && moveForward(room, tally)) return unreadOf(tally)
      return unreadOf(await count(room, reader))
    },
    readRooms: async (userId) => new Set((await tools.database.select(selectReadRooms, userId)).map(({ room_id }) => room_id as RoomId)),
    pushContext: async (roomId, reader) => {
      const room = await tools.rooms.load(roomId)
      if (room !== undefined && reader.asksForName) await need(tools.database.select, room, tools.memberships, [reader.userId])
      return room === undefined ? undefined : contextOf(room, reader)
    },
    readMarker: (userId, roomId, position, threadId) => {
      const key = `${userId} ${roomId}`
      const moved =
        threadId === undefined
          ? write(upsertReadPosition, userId, roomId, position)
          : write(upsertThreadReadPosition, userId, roomId, threadId, position)
      return { writes: [moved], log: [{ kind: 'read_position', key }], applied: () => forgetMark(key) }
    },
  }
}

/** Takes what came since into a tally; false when that needs counting anew. */
function moveForward(room: Room, tally: Tally): boolean {
  const { position } = room
  if (tally.upTo === position) return true
  if (tally.upTo < room.timelineFrom) return false
  const newestFirst: TimelineEvent[] = []
  for (let at = room.timeline.length - 1; at >= 0; at--) {
    const event = room.timeline[at]!
    if ((event.position ?? 0) <= tally.upTo) break
    if (changesThePast(event) || isArrival(event, tally.reader.userId)) return false
    newestFirst.push(event)
  }
  const { reader } = tally
  const { way, compiled } = reader.inRoom(room.roomId)
  if (way === 'own' || ignoresMember(room, reader)) {
    if (newestFirst.some(({ pdu }) => pdu.sender === reader.userId)) return false
    weigh(newestFirst, tally, compiled, contextOf(room, reader))
  } else if (way === 'default') {
    for (let at = newestFirst.length - 1; at >= 0; at--) takeByDefault(tally, newestFirst[at]!)
  }
  tally.upTo = position
  return true
}

/** A redaction silences an earlier event; whether a mention of the room counts was decided when it was sent. */
function changesThePast({ pdu }: TimelineEvent): boolean {
  if (pdu.type === 'm.room.redaction') return true
  const mentions = pdu.content['m.mentions']
  return isJsonObject(mentions) && mentions['room'] === true
}

/** Whoever comes (back) has nothing unread of before. */
function isArrival({ pdu, replacedContent }: TimelineEvent, userId: UserId): boolean {
  return pdu.type === 'm.room.member' && pdu.state_key === userId && replacedContent?.['membership'] !== 'join'
}

function takeByDefault(tally: Tally, event: TimelineEvent): void {
  const { reader, threads, read } = tally
  const { pdu, position = 0, thread: threadId } = event
  if (pdu.sender === reader.userId) {
    takeOwn(tally, event, threadId)
    return
  }
  // It was redacted before it came.
  const effect = event.redactedBy === undefined ? effectOf(pdu) : noEffect
  const loud = effect.highlights || effect.named.includes(reader.userId) ? 1 : 0
  const more = effect.notifies || loud === 1 ? 1 : 0
  if (threadId === undefined) {
    if (more > 0 && position > read.main) tally.main = plus(tally.main, more, loud)
  } else if (position > Math.max(read.all, read.threads.get(threadId) ?? 0)) add(threads, threadId, more, loud)
}

/** "When the user updates their read receipt (either by using the API or by sending an event)". */
function takeOwn(tally: Tally, { position = 0 }: TimelineEvent, threadId: EventId | undefined): void {
  const { read, threads } = tally
  if (threadId !== undefined) {
    threads.delete(threadId)
    read.threads.set(threadId, position)
    return
  }
  tally.main = none
  read.main = position
}

const effects = new WeakMap<Pdu, DefaultEffect>()

/** Decided once for all readers of an event. */
function effectOf(pdu: Pdu): DefaultEffect {
  let effect = effects.get(pdu)
  if (effect === undefined) {
    effect = defaultEffect(pdu, () => false)
    effects.set(pdu, effect)
  }
  return effect
}
