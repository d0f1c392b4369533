import { expect } from 'chai'
import { canonicalJson } from '../../../server/core/canonical-json.ts'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { EventId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { authEventIdsOf, type Pdu, prevEventIdsOf } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { addToIndex, createAuthChainIndex } from '../../../server/core/state-resolution/auth-chain-index.ts'
import type { StateMap } from '../../../server/core/state-resolution/conflict.ts'
import { resolveStates } from '../../../server/core/state-resolution/resolve-states.ts'
import { finish, type KnownEvent } from '../../../server/core/state-resolution/steps.ts'
import { randomRoom, randomStates } from '../../support/random-room.ts'
import { compare, countOf, Differences, needSynapse, Tally } from './python.ts'

const casesOfRoom = 6

/** A room with forks, its events under the ids that their hashes give them, and sets of its states. */
type Forked = {
  readonly rules: RoomRules
  readonly roomId: string
  readonly events: ReadonlyMap<EventId, KnownEvent>
  readonly cases: readonly (readonly StateMap[])[]
}

describe('States, as Synapse resolves them', function () {
  this.timeout(7_200_000)
  before(function () {
    needSynapse(this)
  })

  it('are the same here', async () => {
    const count = countOf('DIFFERENTIAL_ROOMS', 400)
    const tally = new Tally()
    const differences = new Differences()
    await compare<Forked, Record<string, EventId>[]>(
      'resolution.py',
      rooms(count, countOf('DIFFERENTIAL_SEED', 1)),
      write,
      (room, answers) => {
        for (const [at, states] of room.cases.entries()) compareResolved(room, states, answers[at]!, tally, differences)
      },
    )
    process.stdout.write(`    ${count} rooms with ${casesOfRoom} sets of states each, resolved by Synapse\n${tally.lines().join('')}`)
    expect(differences.told()).to.deep.equal([])
  })
})

function* rooms(count: number, seed: number): Generator<Forked> {
  for (let at = 0; at < count; at++) yield drawForked(String(1 + (at % 12)), seed * 1_000_003 + at)
}

function drawForked(version: string, seed: number): Forked {
  const drawn = randomRoom(version, seed, 30 + (seed % 60))
  const { room } = drawn
  const { rules } = room
  const ids = new Map<EventId, EventId>()
  const events = new Map<EventId, KnownEvent>()
  const refer = (cited: readonly EventId[]) => cited.map((eventId) => ids.get(eventId)!)
  for (const { eventId, pdu, rejected } of room.events.values()) {
    // The story's name keeps two events apart that say the same.
    const named = pdu.type === 'm.room.create' ? pdu : { ...pdu, hashes: { sha256: eventId } }
    const isWire = rules.eventIds === 'wire'
    const real: Pdu = isWire ? named : { ...named, auth_events: refer(authEventIdsOf(pdu)), prev_events: refer(prevEventIdsOf(pdu)) }
    const realId = eventIdOf(real, rules)
    ids.set(eventId, realId)
    events.set(realId, { eventId: realId, pdu: real, rejected })
  }
  const cases = Array.from({ length: casesOfRoom }, () =>
    randomStates(drawn).map((state) => new Map([...state].map(([key, eventId]) => [key, ids.get(eventId)!]))),
  )
  return { rules: roomRules(version)!, roomId: room.roomId, events, cases }
}

function write({ rules, roomId, events, cases }: Forked): string {
  const told = [...events.values()].map(({ eventId, pdu, rejected }) => [eventId, pdu as unknown as JsonObject, rejected])
  return canonicalJson({
    version: rules.version,
    room: roomId,
    events: told,
    cases: cases.map((states) => states.map((state) => [...state])),
  })
}

function compareResolved(
  room: Forked,
  states: readonly StateMap[],
  theirs: Record<string, EventId>,
  tally: Tally,
  differences: Differences,
): void {
  const { rules, events } = room
  const index = createAuthChainIndex()
  for (const { eventId, pdu } of events.values()) addToIndex(index, eventId, authEventIdsOf(pdu))
  const ours = Object.fromEntries(finish(resolveStates(states, rules, (eventId) => events.get(eventId), index)))
  const texts = new Set(states.map((state) => JSON.stringify([...state].sort())))
  tally.add(`${texts.size === 1 ? 'the same states' : 'states that differ'} in version ${rules.version}`)
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    if (ours[key] !== theirs[key]) {
      differences.add(
        `${key.split('\0')[0]} in version ${rules.version}`,
        `${key}: here ${ours[key]}, there ${theirs[key]}\n${write(room)}`,
      )
    }
  }
}
