import { expect } from 'chai'
import {
  actionLevel,
  creatorsOf,
  notificationLevel,
  parseLevel,
  powerScope,
  requiredLevel,
  userPower,
} from '../../../../server/core/event-auth/power-levels.ts'
import { parseLossless } from '../../../../server/core/lossless-json.ts'
import type { ReadState } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { type RoomStory, room } from '../../../support/room-story.ts'

const alice = '@alice:a.test'
const bob = '@bob:b.test'

const scope = (story: RoomStory) => powerScope(story.readState, story.rules)

describe('the power in a room', () => {
  it('is 100 for the creator and 0 for others where no levels are set, until version 11', () => {
    for (const version of ['1', '6', '10', '11']) {
      expect(userPower(scope(room(version)), alice)).to.equal(100)
      expect(userPower(scope(room(version)), bob)).to.equal(0)
    }
  })

  it('belongs to the sender of the create event in version 11, whoever its content names', () => {
    expect(userPower(scope(room('11', { creator: bob })), bob)).to.equal(0)
    expect(userPower(scope(room('10', { creator: bob })), bob)).to.equal(100)
  })

  it('is infinite for all creators since version 12, with levels or without', () => {
    for (const story of [
      room('12', { additional_creators: [bob] }),
      room('12', { additional_creators: [bob] }).levels({ users_default: 5 }),
    ]) {
      expect(userPower(scope(story), alice)).to.equal(Number.POSITIVE_INFINITY)
      expect(userPower(scope(story), bob)).to.equal(Number.POSITIVE_INFINITY)
      expect(creatorsOf(story.readState('m.room.create', ''), story.rules)).to.deep.equal([alice, bob])
    }
  })

  it('does not stay with the creator of an older version once levels are set', () => {
    expect(userPower(scope(room('11').levels({})), alice)).to.equal(0)
  })

  it('comes from users, then users_default, then is 0', () => {
    const story = room('11').levels({ users: { [bob]: 7 }, users_default: 3 })
    expect(userPower(scope(story), bob)).to.equal(7)
    expect(userPower(scope(story), '@carol:c.test')).to.equal(3)
  })

  it('is not taken from what every object inherits', () => {
    expect(userPower(scope(room('11').levels({ users: {} })), 'constructor' as `@${string}`)).to.equal(0)
    expect(requiredLevel(scope(room('11').levels({ events: {} })), 'toString', true)).to.equal(50)
  })

  it('reads strings as levels until version 9 alone', () => {
    expect(userPower(scope(room('9').levels({ users: { [bob]: ' +0042 ' } })), bob)).to.equal(42)
    expect(userPower(scope(room('10').levels({ users: { [bob]: '42' } })), bob)).to.equal(0)
  })

  it('cuts off floats until version 5', () => {
    // No server of ours says so any more, but others do.
    const power = (version: string) => {
      const story = room(version).levels({ users: {} })
      const readState: ReadState = (type, stateKey) => {
        const event = story.readState(type, stateKey)
        return event?.type === 'm.room.power_levels' ? { ...event, content: { users: { [bob]: 50.57 } } } : event
      }
      return userPower(powerScope(readState, story.rules), bob)
    }
    expect([power('5'), power('6')]).to.deep.equal([50, 0])
  })

  it('reads floats as they come off the wire until version 5', () => {
    const level = (text: string, version: string) => parseLevel(parseLossless(text), roomRules(version)!)
    expect(['50.0', '5.114698E4', '-1e0', '50.57'].map((text) => level(text, '5'))).to.deep.equal([50, 51146, -1, 50])
    expect(['1e400', '-1E999'].map((text) => level(text, '5'))).to.deep.equal([undefined, undefined])
    expect(level('50.0', '6')).to.equal(undefined)
  })

  it('requires 50 for state and 0 for messages unless the room says otherwise', () => {
    for (const story of [room('11'), room('11').levels({})]) {
      expect(requiredLevel(scope(story), 'm.any', true)).to.equal(50)
      expect(requiredLevel(scope(story), 'm.any', false)).to.equal(0)
    }
  })

  it('requires 0 to invite and 50 to kick, ban, redact and notify all, unless the room says otherwise', () => {
    for (const story of [room('11'), room('11').levels({})]) {
      const levels = (['invite', 'kick', 'ban', 'redact'] as const).map((action) => actionLevel(scope(story), action))
      expect(levels).to.deep.equal([0, 50, 50, 50])
      expect(notificationLevel(scope(story), 'room')).to.equal(50)
    }
    const set = scope(room('11').levels({ invite: 1, kick: 2, ban: 3, redact: 4, notifications: { room: 5 } }))
    expect((['invite', 'kick', 'ban', 'redact'] as const).map((action) => actionLevel(set, action))).to.deep.equal([1, 2, 3, 4])
    expect(notificationLevel(set, 'room')).to.equal(5)
  })
})
