import type { JsonObject } from '../../../../server/core/json.ts'
import { RoomStory, room } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const alice = '@alice:a.test'
const bob = '@bob:b.test'
const carol = '@carol:c.test'

describe('the rules for joining', () => {
  it('let the creator be the first to join, whatever the join rule', () => {
    for (const version of versions) expectAllowed(new RoomStory(version, alice).judgeMember(alice, 'join'))
  })

  it('let nobody else be the first to join', () => {
    for (const version of versions) expectRefused(new RoomStory(version, alice).judgeMember(bob, 'join'), 'the user is not invited')
  })

  it('take content.creator for the creator until version 10, and the sender of the create event since', () => {
    expectAllowed(new RoomStory('10', alice, { creator: bob }).judgeMember(bob, 'join'))
    expectRefused(new RoomStory('10', alice, { creator: bob }).judgeMember(alice, 'join'), 'the user is not invited')
    expectAllowed(new RoomStory('11', alice, { creator: bob }).judgeMember(alice, 'join'))
  })

  it('let no additional creator be the first to join', () => {
    expectRefused(new RoomStory('12', alice, { additional_creators: [bob] }).judgeMember(bob, 'join'), 'the user is not invited')
  })

  it('let the creator in freely only behind the create event itself', () => {
    for (const version of versions) {
      const story = room(version).member(alice, 'leave')
      expectRefused(story.judgeMember(alice, 'join'), 'the user is not invited')
    }
  })

  it('let nobody join for another user', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public')
      expectRefused(story.judgeMember(bob, 'join', alice), 'nobody can join for another user')
    }
  })

  it('let nobody join who is banned', () => {
    for (const version of versions) expectRefused(room(version).joinRule('public').ban(bob).judgeMember(bob, 'join'), 'the user is banned')
  })

  it('let anybody join a public room', () => {
    for (const version of versions) expectAllowed(room(version).joinRule('public').judgeMember(bob, 'join'))
  })

  it('ask for an invite where the join rule is invite, and where none is set', () => {
    for (const version of versions) {
      for (const story of [room(version), room(version).joinRule('invite')]) {
        expectRefused(story.judgeMember(bob, 'join'), 'the user is not invited')
        expectAllowed(story.invite(bob).judgeMember(bob, 'join'))
        expectAllowed(story.join(bob).judgeMember(bob, 'join'))
      }
    }
  })

  it('let nobody in where the join rule is none, and ask for an invite where it is not said', () => {
    const rules = (content: JsonObject) => {
      const story = room('11').invite(bob)
      story.tell({ type: 'm.room.join_rules', state_key: '', content })
      return story.judgeMember(bob, 'join')
    }
    for (const rule of [null, 5, ['public'], 'x']) expectRefused(rules({ join_rule: rule }), 'the join rule lets nobody in')
    expectAllowed(rules({}))
  })

  it('ask for an invite where the join rule is knock, since version 7', () => {
    for (const version of versions.slice(6)) {
      const story = room(version).joinRule('knock')
      expectRefused(story.member(bob, 'knock').judgeMember(bob, 'join'), 'the user is not invited')
      expectAllowed(story.invite(bob).judgeMember(bob, 'join'))
    }
  })

  it('let nobody in under a join rule that the version does not know', () => {
    expectRefused(room('6').joinRule('knock').invite(bob).judgeMember(bob, 'join'), 'the join rule lets nobody in')
    expectRefused(room('7').joinRule('restricted').invite(bob).judgeMember(bob, 'join'), 'the join rule lets nobody in')
    expectRefused(room('9').joinRule('knock_restricted').invite(bob).judgeMember(bob, 'join'), 'the join rule lets nobody in')
    expectRefused(room('12').joinRule('private').invite(bob).judgeMember(bob, 'join'), 'the join rule lets nobody in')
  })
})

describe('the rules for joining a restricted room', () => {
  const restricted = [
    ...['8', '9', '10', '11', '12'].map((version) => [version, 'restricted'] as const),
    ...['10', '11', '12'].map((version) => [version, 'knock_restricted'] as const),
  ]
  const via = { join_authorised_via_users_server: carol }

  it('let in who is invited or in the room already, without anybody’s leave', () => {
    for (const [version, joinRule] of restricted) {
      const story = room(version).joinRule(joinRule)
      expectAllowed(story.invite(bob).judgeMember(bob, 'join'))
      expectAllowed(story.join(bob).judgeMember(bob, 'join'))
    }
  })

  it('let in by leave of a member who may invite', () => {
    for (const [version, joinRule] of restricted) {
      const story = room(version)
        .joinRule(joinRule)
        .join(carol)
        .levels({ invite: 10, users: { [carol]: 10 } })
      expectAllowed(story.judgeMember(bob, 'join', bob, via, ['c.test']))
    }
  })

  it('let nobody in without anybody’s leave', () => {
    for (const [version, joinRule] of restricted) {
      expectRefused(room(version).joinRule(joinRule).judgeMember(bob, 'join'), 'nobody authorises the join')
    }
  })

  it('let nobody in by leave of who is not in the room', () => {
    for (const [version, joinRule] of restricted) {
      const story = room(version).joinRule(joinRule).invite(carol)
      const verdict = story.judgeMember(bob, 'join', bob, via, ['c.test'])
      expectRefused(verdict, 'the user who authorises the join is not in the room')
    }
  })

  it('let nobody in by leave of who may not invite', () => {
    for (const [version, joinRule] of restricted) {
      const story = room(version)
        .joinRule(joinRule)
        .join(carol)
        .levels({ invite: 11, users: { [carol]: 10 } })
      expectRefused(story.judgeMember(bob, 'join', bob, via, ['c.test']), 'the user who authorises the join may not invite')
    }
  })

  it('let a creator give leave in version 12, whatever the invite level', () => {
    const story = room('12').joinRule('restricted').levels({ invite: Number.MAX_SAFE_INTEGER })
    const content = { join_authorised_via_users_server: alice }
    expectAllowed(story.judgeMember(bob, 'join', bob, content, ['a.test']))
  })

  it('do not let a ban be passed by leave', () => {
    const story = room('11').joinRule('restricted').join(carol).ban(bob)
    expectRefused(story.judgeMember(bob, 'join', bob, via, ['c.test']), 'the user is banned')
  })
})
