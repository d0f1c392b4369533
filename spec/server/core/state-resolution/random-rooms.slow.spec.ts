import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import { authEventIdsOf } from '../../../../server/core/pdu.ts'
import { addToIndex, createAuthChainIndex } from '../../../../server/core/state-resolution/auth-chain-index.ts'
import type { StateMap } from '../../../../server/core/state-resolution/conflict.ts'
import { resolveStates } from '../../../../server/core/state-resolution/resolve-states.ts'
import { drive, finish, type KnownEvent } from '../../../../server/core/state-resolution/steps.ts'
import { PlainResolution } from '../../../support/plain-resolution.ts'
import { type RandomRoom, randomRoom, randomStates, shuffle } from '../../../support/random-room.ts'

const versions = ['1', '2', '6', '11', '12']
const draws = 10

const sorted = (state: StateMap) => [...state].sort(([a], [b]) => (a < b ? -1 : 1))

/** Calls back with states of random rooms of a version. */
function forRandomStates(version: string, rooms: number, callback: (drawn: RandomRoom, states: StateMap[], name: string) => void): void {
  for (let seed = 1; seed <= rooms; seed++) {
    const drawn = randomRoom(version, seed * 7919 + Number(version), 40)
    for (let draw = 0; draw < draws; draw++) callback(drawn, randomStates(drawn), `seed ${seed}, draw ${draw}`)
  }
}

describe('state resolution in random rooms', () => {
  for (const version of versions) {
    it(`makes of states what the text of version ${version} makes of them`, () => {
      let conflicts = 0
      forRandomStates(version, 100, ({ room }, states, name) => {
        const plain = new PlainResolution(room.rules, room.events)
        const resolved = room.resolve(states)
        expect(sorted(resolved), name).to.deep.equal(sorted(plain.resolve(states)))
        if (new Set(states.map((state) => JSON.stringify(sorted(state)))).size > 1) conflicts++
      })
      expect(conflicts).to.be.greaterThan(500)
    })

    it(`does not depend on any order of what it is given, in version ${version}`, () => {
      forRandomStates(version, 30, ({ room, random }, states, name) => {
        const resolved = sorted(room.resolve(states))
        const events = new Map(shuffle(random, room.events))
        const shuffled = shuffle(
          random,
          states.map((state) => new Map(shuffle(random, state))),
        )
        const again = finish(resolveStates(shuffled, room.rules, (eventId) => events.get(eventId), reindex(events, random)))
        expect(sorted(again), name).to.deep.equal(resolved)
      })
    })

    it(`leaves alone what is resolved already, and what all states agree on, in version ${version}`, () => {
      forRandomStates(version, 30, ({ room }, states, name) => {
        const resolved = room.resolve(states)
        expect(sorted(room.resolve([resolved])), name).to.deep.equal(sorted(resolved))
        expect(sorted(room.resolve([resolved, resolved])), name).to.deep.equal(sorted(resolved))
        for (const [key, eventId] of states[0]!) {
          if (states.every((state) => state.get(key) === eventId)) expect(resolved.get(key), name).to.equal(eventId)
        }
      })
    })

    it(`comes to the same where what all states share stands apart from them, in version ${version}`, () => {
      forRandomStates(version, 60, ({ room, random }, states, name) => {
        const same = [...states[0]!].filter(([key, eventId]) => states.every((state) => state.get(key) === eventId))
        const shared = new Map(same.filter(() => random() < 0.8))
        const apart = states.map((state) => new Map([...state].filter(([key]) => !shared.has(key))))
        const resolved = finish(resolveStates(apart, room.rules, room.readEvent, room.index, shared))
        expect(sorted(new Map([...shared, ...resolved])), name).to.deep.equal(sorted(room.resolve(states)))
        for (const key of resolved.keys()) expect(shared.has(key), name).to.equal(false)
      })
    })

    it(`asks for the events that it needs, and does without the others, in version ${version}`, async () => {
      const drawn = randomRoom(version, 5, 60)
      for (let draw = 0; draw < 20; draw++) {
        const states = randomStates(drawn)
        const loaded = new Map<EventId, KnownEvent>()
        const steps = resolveStates(states, drawn.room.rules, (eventId) => loaded.get(eventId), drawn.room.index)
        const resolved = await drive(steps, async (wanted) => {
          for (const eventId of wanted) loaded.set(eventId, drawn.room.events.get(eventId)!)
        })
        expect(sorted(resolved)).to.deep.equal(sorted(drawn.room.resolve(states)))
        expect(loaded.size).to.be.at.most(drawn.room.events.size)
      }
    })
  }
})

/** The index of the same events, put in in another order that also has each after those that it cites. */
function reindex(events: ReadonlyMap<EventId, KnownEvent>, random: () => number) {
  const index = createAuthChainIndex()
  for (let left = [...events.values()]; left.length > 0; ) {
    left = shuffle(random, left).filter(({ eventId, pdu }) => addToIndex(index, eventId, authEventIdsOf(pdu)) === undefined)
  }
  return index
}
