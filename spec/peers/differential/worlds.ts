import { encodeBase64 } from '../../../server/core/base64.ts'
import { wrongPowerLevels } from '../../../server/core/event-auth/check-power-levels.ts'
import { eventIdOf, referenceHash } from '../../../server/core/hashes.ts'
import { type EventId, type RoomId, serverNameOf, type UserId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import { type Pdu, type Reference, referenceTo } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { generateSigningKey } from '../../../server/core/signatures.ts'
import { drawLevels, type Oddity, users } from './levels.ts'
import { happens, type Lot, pick } from './lots.ts'

/** An event that states are made of. */
export type Known = { readonly eventId: EventId; readonly reference: Reference; readonly pdu: Pdu; readonly rejected: boolean }
export type Told = { readonly type: string; readonly sender?: string; readonly state_key?: string; readonly content: JsonObject } & {
  readonly [field: string]: Json | undefined
}

/** A room of which everything is known that its states may hold: for each type and state key several events. */
export type World = {
  readonly rules: RoomRules
  readonly oddity: Oddity
  readonly roomId: RoomId
  readonly create: Known
  readonly known: readonly Known[]
  /** The place of an event in `known`. */
  readonly places: ReadonlyMap<EventId, number>
  /** In versions 1 and 2 events are named. */
  readonly ids: { next: number }
}

export const tokens = ['tok', 'tök', 'none'] as const
export const identityKeys = [1, 2].map((byte) => generateSigningKey(new Uint8Array(32).fill(byte), '0'))
export const memberships = ['join', 'invite', 'leave', 'ban', 'knock'] as const
const joinRules: readonly Json[] = ['public', 'public', 'invite', 'knock', 'restricted', 'knock_restricted', 'private', 'x']

/** Draws a room and what its states may hold. */
export function drawWorld(random: Lot): World {
  const rules = roomRules(String(1 + Math.floor(random() * 12)))!
  const kind = random()
  const oddity = kind < 0.5 ? 'sane' : kind < 0.75 ? 'stringy' : 'odd'
  const known: Known[] = []
  const ids = { next: 1 }
  const create = know(rules, beginRoom(rules, drawCreate(random, rules), ids), false)
  const roomId: RoomId = rules.roomIdIsCreateHash ? `!${create.eventId.slice(1)}` : create.pdu.room_id!
  const world: World = { rules, oddity, roomId, create, known, places: new Map(), ids }
  known.push(create)
  for (const told of drawStates(random, world)) {
    known.push(know(rules, build(world, told), false))
    if (happens(random, 0.1)) known.push(know(rules, { ...build(world, told), depth: 7 }, true))
    if (happens(random, 0.1)) known.push(know(rules, { ...build(world, told), room_id: '!another:a.test' }, false))
  }
  known.push(know(rules, build(world, { type: 'm.room.message', sender: users[0], content: {} }), false))
  return { ...world, places: new Map(known.map(({ eventId }, place) => [eventId, place])) }
}

/** An event of a world's room, without hash; signed by its sender's server, and in versions 1 and 2 with an id of it. */
export function build({ roomId, rules, create, ids }: Pick<World, 'roomId' | 'rules' | 'create' | 'ids'>, told: Told): Pdu {
  const { sender = users[0], ...rest } = told
  const server = serverNameOf(sender as UserId)
  return {
    room_id: roomId,
    sender,
    auth_events: [],
    prev_events: [create.reference],
    depth: 2,
    origin_server_ts: 1_700_000_000_000,
    hashes: { sha256: '' },
    signatures: { [server]: { 'ed25519:0': '' } },
    ...(rules.eventIds === 'wire' ? { event_id: `$${ids.next++}:${server || 'a.test'}` } : {}),
    ...rest,
  } as unknown as Pdu
}

function know(rules: RoomRules, pdu: Pdu, rejected: boolean): Known {
  const eventId = eventIdOf(pdu, rules)
  return { eventId, reference: referenceTo(eventId, referenceHash(pdu, rules), rules), pdu, rejected }
}

function beginRoom(rules: RoomRules, content: JsonObject, ids: World['ids']): Pdu {
  const nothing = { reference: '$' } as unknown as Known
  const told = { type: 'm.room.create', state_key: '', content, prev_events: [] }
  const { room_id: roomId, ...begun } = build({ rules, create: nothing, roomId: '!room:a.test', ids }, told)
  return rules.roomIdIsCreateHash ? begun : { ...begun, room_id: roomId! }
}

function drawCreate(random: Lot, rules: RoomRules): JsonObject {
  const creator = happens(random, 0.05) ? pick<Json>(random, [null, 5, users[1], {}]) : users[0]
  return {
    room_version: rules.version,
    ...(rules.creatorInContent || happens(random, 0.1) ? { creator } : {}),
    ...(happens(random, 0.08) ? { 'm.federate': pick<Json>(random, [false, false, false, true, null, 'false', 0]) } : {}),
    ...(happens(random, rules.privilegedCreators ? 0.5 : 0.05) ? { additional_creators: users.filter(() => happens(random, 0.3)) } : {}),
  }
}

function* drawStates(random: Lot, { rules, oddity, create }: World): Generator<Told> {
  for (const user of users) {
    for (const membership of memberships) {
      yield { type: 'm.room.member', sender: membership === 'ban' ? users[0] : user, state_key: user, content: { membership } }
    }
  }
  for (let count = 0; count < 8; count++) {
    const content = drawLevels(random, oddity, !rules.strictJson)
    if (wrongPowerLevels(content, rules, create.pdu) === undefined) yield { type: 'm.room.power_levels', state_key: '', content }
  }
  for (const rule of joinRules) yield { type: 'm.room.join_rules', state_key: '', content: { join_rule: rule } }
  const strange = pick<JsonObject>(random, [{}, { join_rule: null }, { join_rule: 5 }, { join_rule: ['public'] }])
  if (oddity === 'odd') yield { type: 'm.room.join_rules', state_key: '', content: strange }
  for (const token of tokens.slice(0, 2)) {
    yield { type: 'm.room.third_party_invite', sender: pick(random, users), state_key: token, content: drawOffer(random, oddity) }
  }
  yield { type: 'm.room.name', state_key: '', content: { name: 'x' } }
}

/** The keys of an identity server, of which one may be anything. */
function drawOffer(random: Lot, oddity: Oddity): JsonObject {
  const [first, second] = identityKeys.map(({ publicKey }) => encodeBase64(publicKey)) as [string, string]
  const wrong = pick<Json>(random, ['', 'x', '!', 5, null, {}, `${first}=`, first.slice(4)])
  if (oddity === 'odd' && happens(random, 0.3)) {
    return pick<JsonObject>(random, [
      {},
      { public_key: wrong, public_keys: [{ public_key: first }] },
      { public_keys: wrong },
      { public_keys: [wrong] },
    ])
  }
  return pick<JsonObject>(random, [
    { public_key: first },
    { public_keys: [{ public_key: second, key_validity_url: 'x' }, { public_key: first }] },
    { public_key: second, public_keys: [] },
  ])
}
