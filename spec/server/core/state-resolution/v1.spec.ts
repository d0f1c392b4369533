import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { EventId, UserId } from '../../../../server/core/ids.ts'
import { resolveStates } from '../../../../server/core/state-resolution/resolve-states.ts'
import { finish } from '../../../../server/core/state-resolution/steps.ts'
import { ForkedRoom } from '../../../support/forked-room.ts'

const alice: UserId = '@alice:a.test'
const bob: UserId = '@bob:b.test'
const carol: UserId = '@carol:c.test'

function begin(users: Record<string, number> = { [bob]: 50 }): { room: ForkedRoom; last: EventId } {
  const room = new ForkedRoom('1')
  let last = room.member('alice', alice, 'join', alice, room.create)
  last = room.levels('levels', { [alice]: 100, ...users }, alice, last)
  last = room.tell('rule', { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public' } }, last)
  for (const user of [bob, carol]) last = room.member(user.slice(1, user.indexOf(':')), user, 'join', user, last)
  return { room, last }
}

const sha1 = (eventId: EventId) => createHash('sha1').update(eventId).digest('hex')

describe('state resolution of version 1, told in stories', () => {
  it('has no conflict where a state has nothing for a key', () => {
    const { room, last } = begin()
    const topic = room.topic('topic', alice, last)
    const ban = room.member('ban', carol, 'ban', alice, last)
    expect(room.at([topic, ban], 'm.room.topic')).to.equal(topic)
    expect(room.at([ban, topic], 'm.room.member', carol)).to.equal(ban)
  })

  it('takes the deepest power levels that follow from those before', () => {
    const { room, last } = begin()
    const one = room.levels('one', { [alice]: 100, [bob]: 60 }, alice, last)
    const deeper = room.levels('deeper', { [alice]: 100, [bob]: 70 }, alice, room.topic('between', alice, last))
    expect(room.at([deeper, one], 'm.room.power_levels')).to.equal(deeper)
    expect(room.at([one, deeper], 'm.room.power_levels')).to.equal(deeper)
  })

  it('stops at the first power levels that are not allowed after those before', () => {
    const { room, last } = begin()
    const demote = room.levels('demote', { [alice]: 100, [bob]: 0 }, alice, last)
    const byBob = room.levels('by-bob', { [alice]: 100, [bob]: 50, [carol]: 50 }, bob, room.topic('between', alice, last))
    expect(room.at([byBob, demote], 'm.room.power_levels')).to.equal(demote)
  })

  it('judges a membership by the power levels and join rules that won', () => {
    const { room, last } = begin()
    const demote = room.levels('demote', { [alice]: 100, [bob]: 0 }, alice, last)
    const rename = room.member('rename', carol, 'join', carol, demote)
    const levels = room.levels('levels-2', { [alice]: 100, [bob]: 50, [carol]: 0 }, alice, last)
    const kick = room.member('kick', carol, 'leave', bob, room.topic('t', alice, room.topic('s', alice, levels)))
    const deep = room.levels(
      'deep',
      { [alice]: 100, [bob]: 0 },
      alice,
      room.topic('q', alice, room.topic('r', alice, room.topic('p', alice, rename))),
    )
    expect(room.at([deep, kick], 'm.room.power_levels')).to.equal(deep)
    expect(room.at([deep, kick], 'm.room.member', carol)).to.equal(rename)
  })

  it('takes the deepest of other events that is allowed', () => {
    const { room, last } = begin()
    const shallow = room.topic('shallow', alice, last)
    const deep = room.topic('deep', bob, room.topic('between', alice, last))
    expect(room.at([shallow, deep], 'm.room.topic')).to.equal(deep)
    const kick = room.member('kick', bob, 'leave', alice, shallow)
    expect(room.at([kick, deep], 'm.room.topic')).to.equal(shallow)
  })

  it('takes the shallowest of other events where none is allowed', () => {
    const { room, last } = begin()
    const shallow = room.topic('shallow', bob, last)
    const deep = room.topic('deep', bob, room.topic('between', bob, last))
    const kicks = [shallow, deep].map((topic, at) => room.member(`kick-${at}`, bob, 'leave', alice, topic))
    expect(room.at(kicks, 'm.room.topic')).to.equal(shallow)
  })

  it('takes of events of one depth that with the lowest hash of its id, whichever comes first', () => {
    const { room, last } = begin()
    const topics = ['a', 'b', 'c', 'd', 'e'].map((name) => room.topic(name, alice, last))
    const lowest = [...topics].sort((x, y) => (sha1(x) < sha1(y) ? -1 : 1))[0]
    expect(room.at(topics, 'm.room.topic')).to.equal(lowest)
    expect(room.at(topics.reverse(), 'm.room.topic')).to.equal(lowest)
  })

  it('orders depths that JavaScript cannot hold', () => {
    for (const deepest of [0, 1]) {
      const { room, last } = begin()
      const topics = ['a', 'b'].map((name) => room.topic(name, alice, last))
      for (const [at, eventId] of topics.entries()) {
        const event = room.events.get(eventId)!
        room.events.set(eventId, { ...event, pdu: { ...event.pdu, depth: 2n ** 62n + (at === deepest ? 1n : 0n) } })
      }
      expect(room.at(topics, 'm.room.topic')).to.equal(topics[deepest])
    }
  })

  it('takes what is known where the other event of a conflict is lost', () => {
    const { room, last } = begin()
    const topics = ['a', 'b'].map((name) => room.topic(name, alice, last))
    const states = topics.map((topic) => room.stateAfter(topic))
    for (const lost of topics) {
      const readEvent = (eventId: EventId) => (eventId === lost ? undefined : room.events.get(eventId))
      const resolved = finish(resolveStates(states, room.rules, readEvent, room.index))
      expect(resolved.get('m.room.topic\0')).to.equal(topics.find((topic) => topic !== lost))
    }
  })
})
