import { expect } from 'chai'
import type { EventId, UserId } from '../../../../server/core/ids.ts'
import { type StateMap, stateMapKey } from '../../../../server/core/state-resolution/conflict.ts'
import { resolveStates } from '../../../../server/core/state-resolution/resolve-states.ts'
import { finish } from '../../../../server/core/state-resolution/steps.ts'
import { ForkedRoom } from '../../../support/forked-room.ts'

const alice: UserId = '@alice:a.test'
const bob: UserId = '@bob:b.test'
const carol: UserId = '@carol:c.test'
const joinRules = stateMapKey('m.room.join_rules', '')
const powerLevels = stateMapKey('m.room.power_levels', '')

/** The state of a room as a server gives it that has an old event for one key. */
const outdated = (state: StateMap, key: string, eventId: EventId) => new Map(state).set(key, eventId)

const levelsOf = (room: ForkedRoom, users: Record<string, number>) => (room.rules.privilegedCreators ? users : { [alice]: 100, ...users })

/** Both forks have seen the newest join rules, but one server answers with the old ones; Alice, who made both, has left. */
function joinRulesOfSomebodyGone(version: string): { room: ForkedRoom; states: StateMap[] } {
  const room = new ForkedRoom(version)
  const rule = (name: string, joinRule: string, after: EventId) =>
    room.tell(name, { type: 'm.room.join_rules', state_key: '', content: { join_rule: joinRule } }, after)
  let last = room.member('alice', alice, 'join', alice, room.create)
  last = room.levels('levels', levelsOf(room, { [bob]: 50 }), alice, last)
  last = rule('first', 'public', last)
  last = rule('second', 'public', last)
  last = room.member('bob', bob, 'join', bob, last)
  last = room.member('alice-leaves', alice, 'leave', alice, last)
  const right = room.stateAfter(last)
  return { room, states: [right, outdated(right, joinRules, room.id('first'))] }
}

/** Alice raises Bob, Bob raises Carol; one server answers with the first levels, though what it knows of Dave was allowed by the last. */
function levelsThatDependOnEachOther(version: string): { room: ForkedRoom; states: StateMap[] } {
  const room = new ForkedRoom(version)
  let last = room.member('alice', alice, 'join', alice, room.create)
  last = room.levels('first', levelsOf(room, {}), alice, last)
  last = room.tell('rule', { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public' } }, last)
  last = room.member('bob', bob, 'join', bob, last)
  last = room.member('carol', carol, 'join', carol, last)
  last = room.levels('raise-bob', levelsOf(room, { [bob]: 100 }), alice, last)
  last = room.levels('raise-carol', levelsOf(room, { [bob]: 100, [carol]: 50 }), bob, last)
  last = room.member('dave', '@dave:d.test', 'join', '@dave:d.test', last)
  const right = room.stateAfter(last)
  return { room, states: [right, outdated(right, powerLevels, room.id('first'))] }
}

describe('state resolution, where a server gives older state than its events have seen', () => {
  it('loses the join rules of somebody who has left, until version 11', () => {
    for (const version of ['2', '6', '11']) {
      const { room, states } = joinRulesOfSomebodyGone(version)
      expect(room.resolve(states).get(joinRules)).to.equal(undefined)
    }
  })

  it('keeps them since version 12, for it begins with an empty state', () => {
    const { room, states } = joinRulesOfSomebodyGone('12')
    expect(room.resolve(states).get(joinRules)).to.equal(room.id('second'))
    expect(room.resolve(states).get(stateMapKey('m.room.member', alice))).to.equal(room.id('alice-leaves'))
  })

  it('falls back to the first power levels where those between are in every auth chain, until version 11', () => {
    for (const version of ['2', '6', '11']) {
      const { room, states } = levelsThatDependOnEachOther(version)
      expect(room.resolve(states).get(powerLevels)).to.equal(room.id('first'))
    }
  })

  it('keeps the last power levels since version 12, for it replays the conflicted state subgraph', () => {
    const { room, states } = levelsThatDependOnEachOther('12')
    expect(room.resolve(states).get(powerLevels)).to.equal(room.id('raise-carol'))
  })

  it('never changes what all states agree on', () => {
    for (const version of ['1', '2', '11', '12']) {
      for (const { room, states } of [joinRulesOfSomebodyGone(version), levelsThatDependOnEachOther(version)]) {
        const resolved = room.resolve(states)
        for (const [key, eventId] of states[0]!) if (states[1]!.get(key) === eventId) expect(resolved.get(key)).to.equal(eventId)
      }
    }
  })
})

describe('state resolution, where events were rejected', () => {
  /** Two topics of Bob, whose membership is in neither state: it must come from what they cite. */
  function topicsOfBob(rejected: boolean): { room: ForkedRoom; states: StateMap[] } {
    const room = new ForkedRoom('11')
    let last = room.member('alice', alice, 'join', alice, room.create)
    last = room.levels('levels', { [alice]: 100, [bob]: 50 }, alice, last)
    const membership = { type: 'm.room.member', state_key: bob, sender: bob, content: { membership: 'join' }, rejected }
    const bobJoins = room.tell('bob', membership, last)
    const cites = [room.create, room.id('levels'), bobJoins]
    const topics = ['one', 'two'].map((name) => room.tell(name, { type: 'm.room.topic', state_key: '', sender: bob, cites }, last))
    return { room, states: topics.map((topic) => new Map(room.stateAfter(last)).set(stateMapKey('m.room.topic', ''), topic)) }
  }

  it('takes from what an event cites what the state lacks', () => {
    const { room, states } = topicsOfBob(false)
    expect(room.resolve(states).get(stateMapKey('m.room.topic', ''))).to.equal(room.id('two'))
  })

  it('takes nothing from it that was rejected', () => {
    const { room, states } = topicsOfBob(true)
    expect(room.resolve(states).get(stateMapKey('m.room.topic', ''))).to.equal(undefined)
  })

  it('takes an event that was rejected at its state, if it is allowed now', () => {
    const room = new ForkedRoom('11')
    const last = room.member('alice', alice, 'join', alice, room.create)
    const rejected = room.tell('topic', { type: 'm.room.topic', state_key: '', rejected: true }, last)
    const before = room.stateAfter(last)
    const states = [before, new Map(before).set(stateMapKey('m.room.topic', ''), rejected)]
    expect(room.resolve(states).get(stateMapKey('m.room.topic', ''))).to.equal(rejected)
  })
})

describe('state resolution, where an event is lost', () => {
  it('makes do with the others', () => {
    for (const version of ['2', '11', '12']) {
      const room = new ForkedRoom(version)
      const last = room.member('alice', alice, 'join', alice, room.create)
      const topics = ['one', 'two'].map((name) => room.topic(name, alice, last))
      const states = topics.map((topic) => room.stateAfter(topic))
      const readEvent = (eventId: EventId) => (eventId === topics[1] ? undefined : room.events.get(eventId))
      const resolved = finish(resolveStates(states, room.rules, readEvent, room.index))
      expect(resolved.get(stateMapKey('m.room.topic', ''))).to.equal(topics[0])
    }
  })
})
