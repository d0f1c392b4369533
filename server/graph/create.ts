import type { RoomId } from '../core/ids.ts'
import { badJson, invalidRoomState, unsupportedRoomVersion } from '../core/matrix-error.ts'
import { roomRules } from '../core/room-versions.ts'
import type { Home } from '../home.ts'
import type { Part } from '../storage/database.ts'
import { applyDecided } from './append.ts'
import { partOf } from './commit.ts'
import { committedHead, type Decision, decide, type Loaded } from './draft.ts'
import type { CreateOptions, Template } from './graph.ts'
import type { Memberships } from './memberships.ts'
import { type Room, takeHead } from './room.ts'
import { emptyRoom, type Rooms } from './rooms.ts'

type Tools = Pick<Home, 'database' | 'serverName' | 'signingKey' | 'clock' | 'random'> & {
  readonly rooms: Rooms
  readonly memberships: Memberships
}

/** The events of a new room relate to none. */
const nothingLoaded: Loaded = { targets: new Map(), threads: new Map() }

/**
 * Makes a room of events in one part, the first of them `m.room.create`. Up to version 11 its id is random; since version 12 it is the create
 * event's. 400 M_UNSUPPORTED_ROOM_VERSION; 400 M_INVALID_ROOM_STATE when the rules refuse an event.
 */
export async function create(
  tools: Tools,
  version: string,
  templates: readonly Template[],
  options: CreateOptions = {},
): Promise<{ roomId: RoomId; guard?: string }> {
  const rules = roomRules(version)
  if (rules === undefined) throw unsupportedRoomVersion()
  for (let later = 0; ; later++) {
    const made = await createOnce(tools, rules, templates, options, later)
    // Two rooms of one millisecond and one creator would have the same create event: the second one is made a millisecond later.
    if (made.guard !== 'room' || later === 20) return made
  }
}

async function createOnce(tools: Tools, rules: Room['rules'], templates: readonly Template[], options: CreateOptions, later: number) {
  const { room, decision } = decideRoom(tools, rules, templates, later)
  const { part, positions } = partOf(room, decision, 0, forRoom(options, room.roomId), tools.clock.now())
  const whole: Part = {
    ...part,
    room: { id: room.roomId, version: 0, decideAgain: async () => undefined },
    applied: (firstPosition) => {
      for (const [index, event] of decision.events.entries())
        applyDecided(tools, room, event, firstPosition + (positions[index] ?? 0), options)
      takeHead(room, { ...decision.head, version: 1 })
      tools.rooms.add(room)
    },
  }
  const outcome = await tools.database.commit(whole)
  return outcome.ok ? { roomId: room.roomId } : { roomId: room.roomId, guard: outcome.guard }
}

function forRoom(options: CreateOptions, roomId: RoomId): CreateOptions {
  const { guards = [], writes = [], log = [] } = options.of?.(roomId) ?? {}
  return {
    ...options,
    guards: [...(options.guards ?? []), ...guards],
    writes: [...(options.writes ?? []), ...writes],
    log: [...(options.log ?? []), ...log],
  }
}

function decideRoom(tools: Tools, rules: Room['rules'], templates: readonly Template[], later: number): { room: Room; decision: Decision } {
  const [first, ...rest] = templates
  if (first === undefined) throw badJson('a room is made of events')
  const randomId: RoomId = `!${tools.random(18).toString('base64url')}:${tools.serverName}`
  const opener = later === 0 ? first : { ...first, timestamp: (first.timestamp ?? tools.clock.now()) + later }
  const opening = decided(tools, emptyRoom(randomId, rules), committedHead(emptyRoom(randomId, rules)), [opener])
  const createId = opening.events[0]?.eventId ?? '$'
  const room = emptyRoom(rules.roomIdIsCreateHash ? `!${createId.slice(1)}` : randomId, rules)
  const others = decided(tools, room, opening.head, rest)
  return { room, decision: { events: [...opening.events, ...others.events], head: others.head } }
}

function decided(tools: Tools, room: Room, head: Decision['head'], templates: readonly Template[]): Decision {
  const decision = decide(tools, room, head, templates, nothingLoaded)
  if ('allowed' in decision) throw invalidRoomState(decision.reason)
  return decision
}
