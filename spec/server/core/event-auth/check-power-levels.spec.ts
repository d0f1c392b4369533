import type { JsonObject } from '../../../../server/core/json.ts'
import { type RoomStory, room } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const integerVersions = ['10', '11', '12']
const alice = '@alice:a.test'
const bob = '@bob:b.test'
const carol = '@carol:c.test'

/** A room in which Bob, with a power of 50, may change the levels. */
function withBob(version: string, levels: JsonObject = {}): RoomStory {
  const users = { [bob]: 50, ...(levels['users'] as JsonObject) }
  return room(version)
    .joinRule('public')
    .join(bob)
    .levels({ ...levels, users, events: { 'm.room.power_levels': 50, ...(levels['events'] as JsonObject) } })
}

/** Judges Bob's change of the levels as they are. */
function change(story: RoomStory, alter: (levels: JsonObject) => JsonObject) {
  const now = story.readState('m.room.power_levels', '')!.content
  return story.judge({ type: 'm.room.power_levels', sender: bob, state_key: '', content: alter(now) })
}

function first(version: string, content: JsonObject) {
  return room(version).judge({ type: 'm.room.power_levels', state_key: '', content })
}

describe('the rules for the form of m.room.power_levels', () => {
  it('allow the first ones, whatever they grant', () => {
    for (const version of versions) expectAllowed(first(version, { users: { [bob]: 1_000_000 }, ban: 1_000_000, events: { 'm.any': 7 } }))
  })

  it('refuse single levels that are no integers, since version 10', () => {
    for (const version of integerVersions) {
      for (const name of ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']) {
        for (const level of ['50', null, {}, [50], true]) expectRefused(first(version, { [name]: level }), `${name} is not an integer`)
      }
    }
  })

  it('refuse events and notifications that are no maps of integers, since version 10', () => {
    for (const version of integerVersions) {
      for (const name of ['events', 'notifications']) {
        for (const map of [7, null, [], { 'm.any': '50' }, { 'm.any': null }]) {
          expectRefused(first(version, { [name]: map }), `${name} is not a map of integers`)
        }
      }
    }
  })

  it('refuse users that are no map of user ids to levels', () => {
    for (const version of versions) {
      for (const users of [7, null, [], { [bob]: null }, { [bob]: 'many' }, { [bob]: '5.5' }, { [bob]: {} }, { bob: 50 }, { '@bob': 50 }]) {
        expectRefused(first(version, { users }), 'users is not a map of user ids to integers')
      }
    }
  })

  it('take strings that hold an integer until version 9, and not since', () => {
    for (const version of versions.slice(0, 9)) {
      for (const level of ['50', '+50', '-50', ' 0050 ']) expectAllowed(first(version, { users: { [bob]: level }, ban: level }))
    }
    for (const version of integerVersions) {
      expectRefused(first(version, { users: { [bob]: '50' } }), 'users is not a map of user ids to integers')
    }
  })

  it('refuse a level of their own for creators, since version 12', () => {
    const story = room('12', { additional_creators: [carol] })
    for (const creator of [alice, carol]) {
      const verdict = story.judge({ type: 'm.room.power_levels', state_key: '', content: { users: { [creator]: 100 } } })
      expectRefused(verdict, 'creators have no power level of their own')
    }
    expectAllowed(room('11').judge({ type: 'm.room.power_levels', state_key: '', content: { users: { [alice]: 100 } } }))
  })
})

describe('the rules for changing m.room.power_levels', () => {
  it('let stand what the sender could not have set', () => {
    for (const version of versions) {
      const story = withBob(version, { ban: 90, users: { [carol]: 90 }, events: { 'm.any': 90 } })
      expectAllowed(change(story, (levels) => levels))
    }
  })

  it('let single levels be set, changed and removed up to the sender’s own', () => {
    for (const version of versions) {
      for (const name of ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']) {
        const story = withBob(version, {
          users_default: 0,
          events_default: 0,
          state_default: 50,
          ban: 50,
          redact: 50,
          kick: 50,
          invite: 50,
        })
        expectAllowed(change(story, (levels) => ({ ...levels, [name]: 49 })))
        expectAllowed(change(story, ({ [name]: _, ...others }) => others))
        expectAllowed(change(withBob(version), (levels) => ({ ...levels, [name]: 50 })))
        expectRefused(
          change(story, (levels) => ({ ...levels, [name]: 51 })),
          `the sender has not the power to change ${name}`,
        )
      }
    }
  })

  it('let no single level be changed or removed that is above the sender’s own', () => {
    for (const version of versions) {
      for (const name of ['ban', 'redact', 'kick', 'invite']) {
        const story = withBob(version, { [name]: 51 })
        expectRefused(
          change(story, (levels) => ({ ...levels, [name]: 50 })),
          `the sender has not the power to change ${name}`,
        )
        expectRefused(
          change(story, ({ [name]: _, ...others }) => others),
          `the sender has not the power to change ${name}`,
        )
      }
    }
  })

  it('guard every entry of events, and since version 6 of notifications, in the same way', () => {
    for (const version of versions) {
      for (const name of Number(version) < 6 ? ['events'] : ['events', 'notifications']) {
        const reason = `the sender has not the power to change ${name} of m.any`
        const story = withBob(version)
        const set = (level: number) => (levels: JsonObject) => ({ ...levels, [name]: { ...(levels[name] as JsonObject), 'm.any': level } })
        expectAllowed(change(story, set(50)))
        expectRefused(change(story, set(51)), reason)
        const high = withBob(version, { [name]: { 'm.any': 51 } })
        expectRefused(change(high, set(50)), reason)
        expectRefused(
          change(high, (levels) => ({ ...levels, [name]: { 'm.room.power_levels': 50 } })),
          reason,
        )
      }
    }
  })

  it('do not guard notifications before version 6', () => {
    expectAllowed(change(withBob('5'), (levels) => ({ ...levels, notifications: { room: 51 } })))
  })

  it('let a user be raised up to the sender’s own level, and no higher', () => {
    for (const version of versions) {
      const raise = (level: number) => (levels: JsonObject) => ({
        ...levels,
        users: { ...(levels['users'] as JsonObject), [carol]: level },
      })
      expectAllowed(change(withBob(version), raise(50)))
      expectRefused(change(withBob(version), raise(51)), `the sender has not the power to change the level of ${carol}`)
    }
  })

  it('let those below be lowered or removed, but not equals', () => {
    for (const version of versions) {
      const lower = (levels: JsonObject) => ({ ...levels, users: { [bob]: 50, [carol]: 0 } })
      const remove = (levels: JsonObject) => ({ ...levels, users: { [bob]: 50 } })
      for (const alter of [lower, remove]) {
        expectAllowed(change(withBob(version, { users: { [carol]: 49 } }), alter))
        const verdict = change(withBob(version, { users: { [carol]: 50 } }), alter)
        expectRefused(verdict, `the sender has not the power to change the level of ${carol}`)
      }
    }
  })

  it('let the sender step down, and not up', () => {
    for (const version of versions) {
      expectAllowed(change(withBob(version), (levels) => ({ ...levels, users: { [bob]: 0 } })))
      expectAllowed(change(withBob(version), ({ users: _, ...others }) => others))
      const verdict = change(withBob(version), (levels) => ({ ...levels, users: { [bob]: 51 } }))
      expectRefused(verdict, `the sender has not the power to change the level of ${bob}`)
    }
  })

  it('see no change where a string becomes the integer that it held', () => {
    const story = withBob('9', { ban: '90' })
    expectAllowed(change(story, (levels) => ({ ...levels, ban: 90 })))
  })

  it('let creators change everything since version 12, also what is out of everybody’s reach', () => {
    const story = room('12', { additional_creators: [bob] })
      .joinRule('public')
      .join(bob)
    story.levels({ ban: Number.MAX_SAFE_INTEGER, users: { [carol]: Number.MAX_SAFE_INTEGER } })
    expectAllowed(change(story, () => ({ ban: 0, users: { [carol]: 0 } })))
  })
})
