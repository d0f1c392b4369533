import { expect } from 'chai'
import type { EventId, UserId } from '../../../../server/core/ids.ts'
import { isPowerEvent } from '../../../../server/core/state-resolution/power-order.ts'
import { ForkedRoom } from '../../../support/forked-room.ts'

const alice: UserId = '@alice:a.test'
const bob: UserId = '@bob:b.test'
const carol: UserId = '@carol:c.test'
const mallory: UserId = '@mallory:m.test'
const v2Versions = ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11']
const versions = [...v2Versions, '12']

/** A public room in which all are joined; Alice has power (as its creator where creators have), Bob 50. */
function begin(version: string, users: Record<string, number> = { [bob]: 50 }): { room: ForkedRoom; last: EventId } {
  const room = new ForkedRoom(version)
  let last = room.member('alice', alice, 'join', alice, room.create)
  last = room.levels('levels', room.rules.privilegedCreators ? users : { [alice]: 100, ...users }, alice, last)
  last = room.tell('rule', { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public' } }, last)
  for (const user of [bob, carol, mallory]) last = room.member(user.slice(1, user.indexOf(':')), user, 'join', user, last)
  return { room, last }
}

const levels = (room: ForkedRoom, users: Record<string, number>) => (room.rules.privilegedCreators ? users : { [alice]: 100, ...users })

describe('state resolution since version 2, told in stories', () => {
  for (const version of versions) {
    describe(`in a room of version ${version}`, () => {
      it('lets a ban win over what the banned one did meanwhile', () => {
        const { room, last } = begin(version)
        const ban = room.member('ban', bob, 'ban', alice, last)
        const topic = room.topic('topic', bob, last)
        expect(room.at([ban, topic], 'm.room.member', bob)).to.equal(room.id('ban'))
        expect(room.at([ban, topic], 'm.room.topic')).to.equal(undefined)
      })

      it('lets a ban win over the power levels that the banned one changed meanwhile', () => {
        const { room, last } = begin(version)
        const ban = room.member('ban', bob, 'ban', alice, last)
        const raise = room.levels('raise', levels(room, { [bob]: 50, [mallory]: 50 }), bob, last)
        const help = room.member('help', carol, 'ban', mallory, raise)
        expect(room.at([ban, help], 'm.room.member', bob)).to.equal(room.id('ban'))
        expect(room.at([ban, help], 'm.room.power_levels')).to.equal(room.id('levels'))
        expect(room.at([ban, help], 'm.room.member', carol)).to.equal(room.id('carol'))
      })

      it('demotes a moderator before the kick that the moderator sent meanwhile', () => {
        const { room, last } = begin(version)
        const demote = room.levels('demote', levels(room, { [bob]: 0 }), alice, last)
        const kick = room.member('kick', carol, 'leave', bob, last)
        expect(room.at([demote, kick], 'm.room.member', carol)).to.equal(room.id('carol'))
        expect(room.at([demote, kick], 'm.room.power_levels')).to.equal(room.id('demote'))
      })

      it('lets the more powerful of two who ban each other stay', () => {
        const { room, last } = begin(version, { [bob]: 50, [carol]: 60 })
        const byCarol = room.member('by-carol', bob, 'ban', carol, last)
        const demote = room.member('by-bob', mallory, 'ban', bob, last)
        expect(room.at([byCarol, demote], 'm.room.member', bob)).to.equal(room.id('by-carol'))
        expect(room.at([byCarol, demote], 'm.room.member', mallory)).to.equal(room.id('mallory'))
      })

      it('takes the later of two bans of one user by equals, both of which pass', () => {
        const { room, last } = begin(version, { [bob]: 50, [carol]: 50 })
        const first = room.member('first', mallory, 'ban', bob, last)
        const second = room.member('second', mallory, 'ban', carol, last)
        expect(room.at([first, second], 'm.room.member', mallory)).to.equal(room.id('second'))
        expect(room.at([second, first], 'm.room.member', mallory)).to.equal(room.id('second'))
      })

      it('takes the greater event id where power and time are the same', () => {
        const { room, last } = begin(version)
        const ban = (name: string) =>
          room.tell(name, { type: 'm.room.member', state_key: mallory, sender: bob, content: { membership: 'ban' }, ts: 1 }, last)
        const forks = [ban('b'), ban('a')]
        expect(room.at(forks, 'm.room.member', mallory)).to.equal(room.id('b'))
      })

      it('keeps those out who joined while the room was closed', () => {
        const { room, last } = begin(version)
        const close = room.tell('close', { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'invite' } }, last)
        const join = room.member('join', '@dave:d.test', 'join', '@dave:d.test', last)
        expect(room.at([close, join], 'm.room.member', '@dave:d.test')).to.equal(undefined)
        expect(room.at([close, join], 'm.room.join_rules')).to.equal(room.id('close'))
      })

      it('takes the later of two joins of one user', () => {
        const { room, last } = begin(version)
        const one = room.member('one', carol, 'join', carol, last)
        const two = room.member('two', carol, 'join', carol, last)
        expect(room.at([two, one], 'm.room.member', carol)).to.equal(room.id('two'))
      })

      it('takes the topic that was set later, though it comes first', () => {
        const { room, last } = begin(version)
        const topic = (name: string, sender: UserId, ts: number) =>
          room.tell(name, { type: 'm.room.topic', state_key: '', sender, content: {}, ts }, last)
        const forks = [topic('later', bob, 2), topic('earlier', alice, 1)]
        expect(room.at(forks, 'm.room.topic')).to.equal(room.id('later'))
      })
    })
  }
})

describe('mainline ordering, told in stories', () => {
  for (const version of v2Versions) {
    it(`takes the topic based on newer power levels, though its clock is behind, in version ${version}`, () => {
      const { room, last } = begin(version)
      const topic = (name: string, ts: number, ...after: EventId[]) =>
        room.tell(name, { type: 'm.room.topic', state_key: '', sender: bob, content: {}, ts }, ...after)
      const old = topic('old', 9_000_000_000_000, last)
      const raise = room.levels('raise', levels(room, { [bob]: 60 }), alice, last)
      const recent = topic('recent', 1, raise)
      expect(room.at([old, recent], 'm.room.topic')).to.equal(room.id('recent'))
    })

    it(`takes power levels off the mainline for as old as those of it that they were made from, in version ${version}`, () => {
      const { room, last } = begin(version, { [bob]: 50, [carol]: 50 })
      const topic = (name: string, ts: number, ...after: EventId[]) =>
        room.tell(name, { type: 'm.room.topic', state_key: '', sender: alice, content: {}, ts }, ...after)
      const main = room.levels('main', levels(room, { [bob]: 50, [carol]: 0 }), alice, last)
      const off = room.levels('off', levels(room, { [bob]: 50, [carol]: 49 }), carol, last)
      const offTopic = topic('off-topic', 9_000_000_000_000, off)
      const mainTopic = topic('main-topic', 1, main)
      expect(room.at([offTopic, mainTopic], 'm.room.power_levels')).to.equal(room.id('main'))
      expect(room.at([offTopic, mainTopic], 'm.room.topic')).to.equal(room.id('main-topic'))
    })
  }
})

describe('power events', () => {
  const room = new ForkedRoom('11')
  const isPower = (type: string, state_key: string, content: Record<string, string> = {}) =>
    isPowerEvent(room.events.get(room.tell(`${type}-${state_key}-${content['membership']}`, { type, state_key, content }, room.create))!)

  it('are power levels and join rules with an empty state key', () => {
    for (const type of ['m.room.power_levels', 'm.room.join_rules']) {
      expect(isPower(type, '')).to.equal(true)
      expect(isPower(type, 'x')).to.equal(false)
    }
    expect(isPower('m.room.topic', '')).to.equal(false)
  })

  it('are kicks and bans, and no membership that one sets oneself', () => {
    for (const membership of ['leave', 'ban']) {
      expect(isPower('m.room.member', bob, { membership })).to.equal(true)
      expect(isPower('m.room.member', alice, { membership })).to.equal(false)
    }
    for (const membership of ['invite', 'join', 'knock']) expect(isPower('m.room.member', bob, { membership })).to.equal(false)
  })
})
