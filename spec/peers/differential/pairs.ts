import { powerScope, userPower } from '../../../server/core/event-auth/power-levels.ts'
import { selectAuthEvents } from '../../../server/core/event-auth/select-auth-events.ts'
import { serverNameOf, type UserId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { signJson } from '../../../server/core/signatures.ts'
import { changeLevels, drawLevels, users } from './levels.ts'
import { happens, type Lot, pick } from './lots.ts'
import { build, identityKeys, type Known, memberships, type Told, tokens, type World } from './worlds.ts'

/** An event and the state that it is judged by. */
export type Case = { readonly pdu: Pdu; readonly state: readonly Known[] }

/** Draws a state of a world's room, and an event that may be allowed by it. */
export function drawCase(random: Lot, world: World): Case {
  const drawn = drawState(random, world)
  const told = drawEvent(random, world, drawn)
  const state = happens(random, 0.6) ? favour(random, world, told, drawn) : drawn
  const pdu = build(world, drawBody(random, world, told))
  return { pdu: { ...pdu, auth_events: cite(random, world, pdu, state) } as Pdu, state }
}

function drawState(random: Lot, { known, roomId, create }: World): Known[] {
  const usable = known.filter(({ pdu, rejected }) => !rejected && pdu.room_id === roomId && pdu.state_key !== undefined)
  const byKey = Map.groupBy(usable, ({ pdu }) => `${pdu.type}\0${pdu.state_key}`)
  const state = happens(random, 0.003) ? [] : [create]
  for (const [key, events] of byKey) {
    if (key.startsWith('m.room.create\0')) continue
    if (!key.startsWith('m.room.member\0')) {
      if (happens(random, 0.75)) state.push(pick(random, events))
    } else if (happens(random, 0.45)) state.push(events.find(({ pdu }) => pdu.content['membership'] === 'join')!)
    else if (happens(random, 0.75)) state.push(pick(random, events))
  }
  return state
}

/** The state with what speaks for an event that was drawn for it. */
function favour(random: Lot, world: World, told: Told, state: Known[]): Known[] {
  const sender = told.sender!
  const { membership } = told.content
  const become = (user: string, ...wanted: string[]) => set(random, world, state, 'm.room.member', user, 'membership', wanted)
  const rule = (...wanted: string[]) => set(random, world, state, 'm.room.join_rules', '', 'join_rule', wanted)
  if (told.type !== 'm.room.member') become(sender, 'join')
  else if (membership === 'knock') {
    become(sender, 'leave', 'knock')
    rule('knock', ...(world.rules.knockRestricted ? ['knock_restricted'] : []))
  } else if (membership === 'join') {
    become(sender, 'invite', 'leave', 'join')
    rule('public', 'restricted', 'knock_restricted', 'invite')
  } else if (membership === 'leave' && told.state_key === sender) become(sender, 'join', 'invite', 'knock')
  else {
    become(sender, 'join')
    if (membership === 'invite' && told.state_key !== sender) become(told.state_key ?? '', 'leave', 'knock', 'invite')
  }
  return state
}

/** Puts in one of the events of a type and a state key whose content is as wanted. */
function set(
  random: Lot,
  { known, roomId }: World,
  state: Known[],
  type: string,
  key: string,
  field: string,
  wanted: readonly string[],
): void {
  const isIt = ({ pdu }: Known) => pdu.type === type && pdu.state_key === key
  const events = known.filter(
    (one) => isIt(one) && !one.rejected && one.pdu.room_id === roomId && wanted.includes(one.pdu.content[field] as string),
  )
  if (events.length === 0) return
  const at = state.findIndex(isIt)
  state.splice(at < 0 ? state.length : at, at < 0 ? 0 : 1, pick(random, events))
}

/** A user whom much is allowed, or any. */
function drawSender(random: Lot, { rules }: World, state: readonly Known[]): string {
  const joined = state
    .filter(({ pdu }) => pdu.type === 'm.room.member' && pdu.content['membership'] === 'join')
    .map(({ pdu }) => pdu.sender)
  if (joined.length === 0 || happens(random, 0.25)) return pick(random, users)
  if (happens(random, 0.3)) return pick(random, joined)
  const power = powerScope((type, key) => state.find(({ pdu }) => pdu.type === type && pdu.state_key === key)?.pdu, rules)
  return joined.reduce((most, user) => (userPower(power, user) > userPower(power, most) ? user : most))
}

function drawEvent(random: Lot, world: World, state: readonly Known[]): Told {
  const sender = drawSender(random, world, state)
  const kind = random()
  if (kind < 0.5) return drawMember(random, world, sender)
  if (kind < 0.75) return drawPowerLevels(random, world, sender, state)
  if (kind < 0.8) return { type: 'm.room.third_party_invite', sender, state_key: 'tok', content: {} }
  if (kind < 0.83) return { type: 'm.room.aliases', sender, ...pick<object>(random, [{}, { state_key: '' }, ...stateKeys]), content: {} }
  if (kind < 0.86) return drawCreation(random, world, sender)
  if (kind < 0.91) return drawRedaction(random, world, sender)
  const type = pick(random, ['m.room.message', 'm.room.name', 'x', 'toString', '__proto__'])
  return {
    type,
    sender,
    ...pick<object>(random, [{}, { state_key: '' }, { state_key: sender }, { state_key: users[1] }, { state_key: '@' }]),
    content: {},
  }
}

const stateKeys = ['a.test', 'b.test', 'c.test'].map((state_key) => ({ state_key }))

function drawMember(random: Lot, world: World, sender: string): Told {
  const usual = world.rules.knock || happens(random, 0.1) ? memberships : memberships.slice(0, -1)
  const membership: Json = happens(random, 0.97) ? pick(random, usual) : pick<Json>(random, ['x', '', null, 5, ['join'], { join: 1 }])
  const isOwn = membership === 'join' || membership === 'knock' ? 0.9 : membership === 'leave' ? 0.4 : 0.1
  const target = happens(random, isOwn) ? sender : pick(random, users)
  const content: Record<string, Json> = happens(random, 0.99) ? { membership } : {}
  if (membership === 'invite' && happens(random, 0.3)) return drawThirdPartyInvite(random, world, sender, target)
  if (happens(random, membership === 'join' ? 0.4 : 0.03)) {
    content['join_authorised_via_users_server'] = happens(random, 0.95) ? pick(random, users) : pick<Json>(random, ['x', null, 5, '@:'])
  }
  if (happens(random, 0.01)) content['third_party_invite'] = drawInvite(random, target)
  const odd = pick<object>(random, [
    {},
    { state_key: '' },
    { state_key: 'bob:b.test' },
    { state_key: '@bob' },
    { state_key: '@bob:b_test' },
  ])
  // The creator, who joins an empty room.
  const other = happens(random, 0.85) ? { prev_events: [reference(world, 'm.room.name')] } : {}
  return { type: 'm.room.member', sender, ...(happens(random, 0.99) ? { state_key: target } : odd), content, ...other }
}

/** An invite of somebody whom an identity server knows; mostly by who has made the offer. */
function drawThirdPartyInvite(random: Lot, { known }: World, sender: string, target: string): Told {
  const offer = known.find(({ pdu }) => pdu.type === 'm.room.third_party_invite')!.pdu
  const content = { membership: 'invite', third_party_invite: drawInvite(random, target) }
  return { type: 'm.room.member', sender: happens(random, 0.7) ? offer.sender : sender, state_key: target, content }
}

function reference({ known }: World, type: string): Json {
  return known.find(({ pdu }) => pdu.type === type)!.reference as Json
}

/** The `third_party_invite` of an invite: signed, or almost. */
function drawInvite(random: Lot, target: string): Json {
  const fields: JsonObject = {
    ...(happens(random, 0.95) ? { mxid: happens(random, 0.95) ? target : users[2] } : {}),
    ...(happens(random, 0.95) ? { token: happens(random, 0.8) ? tokens[0] : pick<Json>(random, [5, null, ...tokens]) } : {}),
    ...(happens(random, 0.1) ? { x: 'é' } : {}),
  }
  const kind = random()
  if (kind < 0.05) return pick<Json>(random, [null, 5, [], {}, { signed: null }, { signed: [] }, { signed: fields }])
  const signed = signJson(fields, 'id.test', pick(random, identityKeys))
  if (kind < 0.9) return { display_name: 'x', signed }
  return {
    signed: pick<JsonObject>(random, [
      { ...signed, x: 1 },
      { ...signed, unsigned: 1 },
      { ...signed, signatures: pick<Json>(random, [{}, [], { x: 5 }, 'x']) },
    ]),
  }
}

function drawPowerLevels(random: Lot, world: World, sender: string, state: readonly Known[]): Told {
  const before = state.find(({ pdu }) => pdu.type === 'm.room.power_levels')?.pdu.content
  const isLoose = !world.rules.strictJson || happens(random, 0.1)
  const oddity = happens(random, 0.95) ? world.oddity : 'odd'
  const content =
    before !== undefined && happens(random, 0.85) ? changeLevels(random, before, oddity, isLoose) : drawLevels(random, oddity, isLoose)
  return { type: 'm.room.power_levels', sender, ...(happens(random, 0.98) ? { state_key: '' } : { state_key: 'x' }), content }
}

/** Another room's beginning, which no state decides on. */
function drawCreation(random: Lot, { rules, create }: World, sender: string): Told {
  const content: Record<string, Json | undefined> = { ...create.pdu.content }
  if (happens(random, 0.2)) delete content['creator']
  const version = pick<Json>(random, ['1', '6', '12', '13', '', 'x', 5, null, ['1']])
  if (happens(random, 0.5)) content['room_version'] = version
  const creators = pick<Json>(random, [
    [],
    [users[1]],
    ['x'],
    [5],
    'x',
    null,
    {},
    ['@b_b:x'],
    [`@${'é'.repeat(124)}:b.test`, `@${'a'.repeat(250)}:b.test`],
  ])
  if (happens(random, 0.3)) content['additional_creators'] = creators
  const placed = rules.roomIdIsCreateHash
    ? happens(random, 0.8)
      ? { room_id: undefined }
      : {}
    : { room_id: `!new:${serverNameOf(sender as UserId)}` }
  return {
    ...{ type: 'm.room.create', sender, content: content as JsonObject, state_key: '' },
    ...(happens(random, 0.8) ? placed : {}),
    ...(happens(random, 0.8) ? { prev_events: [] } : {}),
  }
}

function drawRedaction(random: Lot, { rules }: World, sender: string): Told {
  const redacts = happens(random, 0.9) ? pick(random, ['$1:a.test', '$1:b.test', '$1:c.test', '$1']) : pick<Json>(random, [5, null, {}])
  const placed = rules.redactsInContent ? { content: { redacts } } : { content: {}, ...(happens(random, 0.95) ? { redacts } : {}) }
  return { type: 'm.room.redaction', sender, ...placed }
}

/** What an event has whatever its type: its signatures, and seldom something that is not right. */
function drawBody(random: Lot, { rules }: World, told: Told): Told {
  const own = serverNameOf((told.sender ?? users[0]) as UserId)
  const servers = [...new Set([own, ...['a.test', 'b.test', 'c.test'].filter(() => happens(random, 0.5))])]
  const signatures = Object.fromEntries((happens(random, 0.99) ? servers : servers.slice(1)).map((server) => [server, { 'ed25519:0': '' }]))
  const signed = { ...told, signatures }
  if (happens(random, 0.99)) return signed
  const strange = { float: 1.5, huge: 2n ** 60n, unsafe: 2 ** 53 }
  return {
    ...signed,
    ...pick<object>(random, [
      { sender: pick(random, ['bob', '@bob', 'bob:b.test', '@:b.test', '@bob:b_test', '@b b:b.test', `@${'é'.repeat(200)}:b.test`]) },
      { depth: pick<Json>(random, [-1, 0, 2 ** 53 - 1, 2 ** 53, 2n ** 63n - 1n, '1', null]) },
      { content: { ...told.content, strange: pick<Json>(random, Object.values(strange)) } },
      { origin_server_ts: pick<Json>(random, [-1, '1', null]) },
      { hashes: pick<Json>(random, [{}, [], { sha256: 5 }]) },
      { room_id: pick(random, ['!another:a.test', '!', 'room:a.test', '']) },
      ...(rules.eventIds === 'wire' ? [{ event_id: pick(random, ['$1', '1:a.test', '$1:c.test', '']) }] : []),
    ]),
  }
}

/** The `auth_events` of an event: those that the state gives it, and sometimes others. */
function cite(random: Lot, world: World, pdu: Pdu, state: readonly Known[]): readonly Json[] {
  if (pdu.type === 'm.room.create') return []
  const selected = selectAuthEvents(pdu, world.rules).flatMap(([type, key]) =>
    state.filter((one) => one.pdu.type === type && one.pdu.state_key === key),
  )
  const cited = happens(random, 0.85) ? selected : alter(random, world, selected)
  return cited.map(({ reference }) => reference as Json)
}

function alter(random: Lot, { known, create }: World, selected: readonly Known[]): readonly Known[] {
  const kind = random()
  const others = selected.slice(1)
  if (kind < 0.25) return selected.filter(() => happens(random, 0.7))
  if (kind < 0.4) return [...selected, pick(random, known)]
  if (kind < 0.5) return kind < 0.45 ? others : [create, ...others]
  if (others.length === 0) return selected
  const one = pick(random, others)
  const same = known.filter(({ pdu }) => pdu.type === one.pdu.type && pdu.state_key === one.pdu.state_key)
  return kind < 0.7 ? [...selected, pick(random, same)] : [...selected.filter((other) => other !== one), pick(random, same)]
}
