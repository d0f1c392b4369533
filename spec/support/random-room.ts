import { checkAuthRules } from '../../server/core/event-auth/check-auth-rules.ts'
import type { EventId, UserId } from '../../server/core/ids.ts'
import { type StateMap, stateMapKey } from '../../server/core/state-resolution/conflict.ts'
import { ForkedRoom, type ToldState } from './forked-room.ts'
import { randomNumbers } from './random-json.ts'

const users: readonly UserId[] = ['@alice:a.test', '@bob:b.test', '@carol:c.test', '@dave:d.test', '@erin:e.test']
const levels = [0, 25, 50, 75, 100]
// A room version takes those that it does not know for rules that let nobody in.
const joinRules = ['public', 'public', 'public', 'public', 'invite', 'knock', 'restricted', 'knock_restricted']

/** A room whose history is drawn by lot; the same for the same seed. */
export type RandomRoom = { readonly room: ForkedRoom; readonly random: () => number; readonly told: readonly EventId[] }

/** Draws a history of `size` events with forks and merges. Each is allowed by the state before it; some are rejected all the same. */
export function randomRoom(version: string, seed: number, size: number): RandomRoom {
  const random = randomNumbers(seed)
  const room = new ForkedRoom(version)
  const told = [room.create]
  const add = (event: ToldState, after: readonly EventId[]) => told.push(room.tell(nameOf(random, told.length), event, ...after))
  add({ type: 'm.room.member', state_key: users[0]!, content: { membership: 'join' } }, [room.create])
  add({ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public' } }, told.slice(-1))
  while (told.length < size) {
    const after = drawParents(random, told)
    const event = { ...drawEvent(random), ts: 1 + Math.floor(random() * 12), rejected: random() < 0.05 }
    if (isAllowed(room, event, after)) add(event, after)
  }
  return { room, random, told }
}

/** The states after two to four events of a room, drawn by lot; sometimes one is older in one point than it should be. */
export function randomStates({ room, random, told }: RandomRoom): StateMap[] {
  const states = Array.from({ length: 2 + Math.floor(random() * 3) }, () => room.stateAfter(pick(random, told.slice(1))))
  if (random() < 0.3) return states
  const key = pick(random, ['m.room.power_levels', 'm.room.join_rules', ...users.map((user) => `m.room.member\0${user}`)])
  const wanted = key.includes('\0') ? key : stateMapKey(key, '')
  const older = told.filter((eventId) => {
    const { pdu, rejected } = room.events.get(eventId)!
    return !rejected && stateMapKey(pdu.type, pdu.state_key!) === wanted
  })
  return older.length === 0 ? states : [new Map(states[0]).set(wanted, pick(random, older)), ...states.slice(1)]
}

/** The items in an order drawn by lot. */
export function shuffle<T>(random: () => number, items: Iterable<T>): T[] {
  const shuffled = [...items]
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const item = shuffled[at]!
    shuffled[at] = shuffled[other]!
    shuffled[other] = item
  }
  return shuffled
}

/** Names are drawn so that their order says nothing about that of the events. */
function nameOf(random: () => number, count: number): string {
  return `${Math.floor(random() * 1296)
    .toString(36)
    .padStart(2, '0')}-${count}`
}

function pick<T>(random: () => number, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

/** Mostly recent events, one or two of them. */
function drawParents(random: () => number, told: readonly EventId[]): EventId[] {
  const recent = told.slice(1).slice(-8)
  const first = pick(random, recent)
  return random() < 0.8 ? [first] : [...new Set([first, pick(random, recent)])]
}

function drawEvent(random: () => number): ToldState {
  const sender = pick(random, users)
  const kind = random()
  if (kind < 0.45) return drawMembership(random, sender)
  if (kind < 0.65) return { type: 'm.room.power_levels', state_key: '', sender, content: drawLevels(random) }
  if (kind < 0.75) return { type: 'm.room.join_rules', state_key: '', sender, content: { join_rule: pick(random, joinRules) } }
  return { type: pick(random, ['m.room.topic', 'm.room.name']), state_key: '', sender, content: {} }
}

function drawMembership(random: () => number, sender: UserId): ToldState {
  const membership = pick(random, ['join', 'join', 'join', 'join', 'leave', 'invite', 'ban', 'knock'])
  const isOwn = membership === 'join' || membership === 'knock' || random() < 0.3
  const authorised = membership === 'join' && random() < 0.3 ? { join_authorised_via_users_server: pick(random, users) } : {}
  return { type: 'm.room.member', state_key: isOwn ? sender : pick(random, users), sender, content: { membership, ...authorised } }
}

function drawLevels(random: () => number): { users: Record<string, number>; state_default: number; ban: number } {
  const named = users.filter(() => random() < 0.7).map((user) => [user, pick(random, levels)] as const)
  return { users: Object.fromEntries(named), state_default: pick(random, levels), ban: pick(random, levels) }
}

function isAllowed(room: ForkedRoom, event: ToldState, after: readonly EventId[]): boolean {
  const state = room.stateAfter(...after)
  const readState = (type: string, key: string) => {
    const eventId = state.get(stateMapKey(type, key))
    return eventId === undefined ? undefined : room.events.get(eventId)!.pdu
  }
  return checkAuthRules(room.draft(event, after), room.rules, readState, () => true).allowed
}
