import { checkAuthRules } from '../../../../server/core/event-auth/check-auth-rules.ts'
import { room } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const bob = '@bob:b.test'

describe('the rules for events of every type', () => {
  it('allow a message by a user in the room', () => {
    for (const version of versions) {
      expectAllowed(room(version).joinRule('public').join(bob).judge({ type: 'm.room.message', sender: bob }))
    }
  })

  it('refuse everything in a room without a create event', () => {
    const story = room('11')
    const verdict = checkAuthRules(story.build({ type: 'm.room.message' }), story.rules, () => undefined)
    expectRefused(verdict, 'the room has no create event')
  })

  it('refuse a room id that is not the hash of the create event, since version 12', () => {
    const verdict = room('12').judge({ type: 'm.room.message', room_id: '!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
    expectRefused(verdict, 'the room id is not that of the create event')
    expectRefused(room('12').judge({ type: 'm.room.message', room_id: undefined }), 'the room id is not that of the create event')
  })

  it('refuse users of other servers where the room does not federate', () => {
    for (const version of versions) {
      const story = room(version, { 'm.federate': false }).joinRule('public')
      expectRefused(story.judgeMember(bob, 'join'), 'the room does not federate')
      expectAllowed(story.judgeMember('@carol:a.test', 'join'))
    }
  })

  it('take only the boolean false for a room that does not federate', () => {
    expectAllowed(room('11', { 'm.federate': 'false' }).joinRule('public').judgeMember(bob, 'join'))
  })

  it('refuse a sender who is not in the room', () => {
    for (const version of versions) {
      const story = room(version).invite(bob)
      expectRefused(story.judge({ type: 'm.room.message', sender: bob }), 'the sender is not in the room')
      expectRefused(story.judge({ type: 'm.room.message', sender: '@stranger:b.test' }), 'the sender is not in the room')
    }
  })

  it('let those offer a third-party invite who may invite', () => {
    for (const version of versions) {
      const story = room(version)
        .joinRule('public')
        .join(bob)
        .levels({ invite: 30, users: { [bob]: 30 }, events_default: 100 })
      expectAllowed(story.judge({ type: 'm.room.third_party_invite', sender: bob, state_key: 'token' }))
      const weaker = story.levels({ invite: 30, users: { [bob]: 29 } })
      expectRefused(weaker.judge({ type: 'm.room.third_party_invite', sender: bob, state_key: 'token' }), 'the sender may not invite')
    }
  })

  it('ask for the level of the event’s type', () => {
    for (const version of versions) {
      const story = room(version)
        .joinRule('public')
        .join(bob)
        .levels({ events: { 'm.reaction': 20 }, users: { [bob]: 20 } })
      expectAllowed(story.judge({ type: 'm.reaction', sender: bob }))
      const stricter = story.levels({ events: { 'm.reaction': 21 }, users: { [bob]: 20 } })
      expectRefused(stricter.judge({ type: 'm.reaction', sender: bob }), 'the sender has not the power to send m.reaction')
    }
  })

  it('ask for state_default for state and for events_default for messages', () => {
    const story = room('11')
      .joinRule('public')
      .join(bob)
      .levels({ users: { [bob]: 10 }, events_default: 10, state_default: 11 })
    expectAllowed(story.judge({ type: 'm.any', sender: bob }))
    expectRefused(story.judge({ type: 'm.any', sender: bob, state_key: '' }), 'the sender has not the power to send m.any')
  })

  it('keep a state key that is a user id for that user', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public').join(bob).levels({ state_default: 0 })
      expectAllowed(story.judge({ type: 'm.any', sender: bob, state_key: bob }))
      expectAllowed(story.judge({ type: 'm.any', sender: bob, state_key: 'bob' }))
      expectRefused(story.judge({ type: 'm.any', sender: bob, state_key: '@alice:a.test' }), 'the state key is that of another user')
    }
  })

  it('treat aliases as any other state since version 6', () => {
    const story = room('6').joinRule('public').join(bob)
    const verdict = story.judge({ type: 'm.room.aliases', sender: bob, state_key: 'b.test' })
    expectRefused(verdict, 'the sender has not the power to send m.room.aliases')
  })

  it('let a server set its own aliases, and no others, until version 5', () => {
    const story = room('5')
    expectAllowed(story.judge({ type: 'm.room.aliases', sender: bob, state_key: 'b.test' }))
    expectRefused(story.judge({ type: 'm.room.aliases', sender: bob, state_key: 'a.test' }), 'the aliases are those of another server')
    expectRefused(story.judge({ type: 'm.room.aliases', sender: bob }), 'an aliases event needs a state key')
  })

  it('do not ask for the redact level since version 3', () => {
    for (const version of versions.slice(2)) {
      expectAllowed(room(version).joinRule('public').join(bob).judge({ type: 'm.room.redaction', sender: bob, redacts: '$any' }))
    }
  })

  it('let redact events of one’s own server, or with the redact level, until version 2', () => {
    const story = room('2').joinRule('public').join(bob)
    expectAllowed(story.judge({ type: 'm.room.redaction', sender: bob, redacts: '$1:b.test' }))
    expectAllowed(story.judge({ type: 'm.room.redaction', redacts: '$1:b.test' }))
    expectRefused(story.judge({ type: 'm.room.redaction', sender: bob, redacts: '$1:a.test' }), 'the sender may not redact this event')
    story.levels({ users: { [bob]: 50 } })
    expectAllowed(story.judge({ type: 'm.room.redaction', sender: bob, redacts: '$1:a.test' }))
  })
})
