import { room } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const bob = '@bob:b.test'
const carol = '@carol:c.test'

describe('the rules for m.room.member', () => {
  it('refuse one without a state key or a membership', () => {
    for (const version of versions) {
      const told = { type: 'm.room.member', content: { membership: 'join' } }
      expectRefused(room(version).judge(told), 'a membership event needs a state key')
      expectRefused(room(version).judge({ type: 'm.room.member', state_key: '@alice:a.test' }), 'a membership event needs a membership')
    }
  })

  it('refuse a state key that is no user id', () => {
    const told = { type: 'm.room.member', state_key: 'alice', content: { membership: 'invite' } }
    expectRefused(room('11').judge(told), 'the state key of a membership event is not a user id')
  })

  it('refuse memberships that they do not know', () => {
    for (const membership of ['dance', '', 7, null, { join: true }]) {
      const told = { type: 'm.room.member', state_key: '@alice:a.test', content: { membership } }
      expectRefused(room('11').judge(told), 'the membership is unknown')
    }
  })

  it('know no knocking before version 7', () => {
    expectRefused(room('6').joinRule('knock').judgeMember(bob, 'knock'), 'this room version knows no knocking')
    expectAllowed(room('7').joinRule('knock').judgeMember(bob, 'knock'))
  })

  it('ask for the signature of the authorising server, whatever the membership, since version 8', () => {
    const content = { join_authorised_via_users_server: carol }
    for (const version of ['8', '9', '10', '11', '12']) {
      const story = room(version).joinRule('public')
      expectAllowed(story.judgeMember(bob, 'join', bob, content, ['c.test']))
      const reason = 'the server of the user who authorises the join has not signed'
      expectRefused(story.judgeMember(bob, 'join', bob, content, ['b.test']), reason)
      expectRefused(story.judgeMember(bob, 'invite', '@alice:a.test', content), reason)
      expectRefused(story.judgeMember(bob, 'join', bob, { join_authorised_via_users_server: 7 }, ['c.test']), reason)
    }
    expectAllowed(room('7').joinRule('public').judgeMember(bob, 'join', bob, content))
  })
})

describe('the rules for leaving', () => {
  it('let a user leave, refuse an invite and take back a knock', () => {
    for (const version of versions) {
      expectAllowed(room(version).joinRule('public').join(bob).judgeMember(bob, 'leave'))
      expectAllowed(room(version).invite(bob).judgeMember(bob, 'leave'))
    }
    expectAllowed(room('7').joinRule('knock').member(bob, 'knock').judgeMember(bob, 'leave'))
  })

  it('know no knock to take back before version 7', () => {
    const reason = 'the user is neither in the room, nor invited, nor knocking'
    expectRefused(room('6').member(bob, 'knock').judgeMember(bob, 'leave'), reason)
  })

  it('let nobody leave who is banned, has left or never came', () => {
    const reason = 'the user is neither in the room, nor invited, nor knocking'
    for (const version of versions) {
      expectRefused(room(version).judgeMember(bob, 'leave'), reason)
      expectRefused(room(version).joinRule('public').join(bob).member(bob, 'leave').judgeMember(bob, 'leave'), reason)
      expectRefused(room(version).ban(bob).judgeMember(bob, 'leave'), reason)
    }
  })

  it('let nobody kick who is not in the room', () => {
    const story = room('11')
      .joinRule('public')
      .join(bob)
      .levels({ users: { [carol]: 100 } })
    expectRefused(story.judgeMember(bob, 'leave', carol), 'the sender is not in the room')
  })

  it('ask of who kicks the kick level, and more power than the kicked', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public').join(bob, carol)
      expectAllowed(story.levels({ kick: 40, users: { [carol]: 40, [bob]: 39 } }).judgeMember(bob, 'leave', carol))
      expectRefused(story.levels({ kick: 41, users: { [carol]: 40 } }).judgeMember(bob, 'leave', carol), 'the sender may not kick')
      const equals = story.levels({ kick: 40, users: { [carol]: 40, [bob]: 40 } })
      expectRefused(equals.judgeMember(bob, 'leave', carol), 'the user has as much power as the sender')
    }
  })

  it('ask of who unbans the ban level as well', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public').join(carol).ban(bob)
      expectAllowed(story.levels({ kick: 40, ban: 60, users: { [carol]: 60 } }).judgeMember(bob, 'leave', carol))
      expectRefused(
        story.levels({ kick: 40, ban: 60, users: { [carol]: 59 } }).judgeMember(bob, 'leave', carol),
        'the sender may not unban',
      )
    }
  })
})

describe('the rules for banning', () => {
  it('ask of who bans the ban level, and more power than the banned', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public').join(carol)
      expectAllowed(story.levels({ ban: 40, users: { [carol]: 40, [bob]: 39 } }).judgeMember(bob, 'ban', carol))
      expectRefused(story.levels({ ban: 41, users: { [carol]: 40 } }).judgeMember(bob, 'ban', carol), 'the sender may not ban')
      const equals = story.levels({ ban: 40, users: { [carol]: 40, [bob]: 40 } })
      expectRefused(equals.judgeMember(bob, 'ban', carol), 'the user has as much power as the sender')
    }
  })

  it('let nobody ban who is not in the room', () => {
    expectRefused(
      room('11')
        .levels({ users: { [carol]: 100 } })
        .judgeMember(bob, 'ban', carol),
      'the sender is not in the room',
    )
  })

  it('let nobody ban a creator since version 12, who has more power than any number', () => {
    const story = room('12')
      .joinRule('public')
      .join(bob)
      .levels({ users: { [bob]: Number.MAX_SAFE_INTEGER } })
    expectRefused(story.judgeMember('@alice:a.test', 'ban', bob), 'the user has as much power as the sender')
  })
})

describe('the rules for knocking', () => {
  it('let knock where the join rule says so', () => {
    for (const version of ['7', '8', '9', '10', '11', '12']) expectAllowed(room(version).joinRule('knock').judgeMember(bob, 'knock'))
    for (const version of ['10', '11', '12']) expectAllowed(room(version).joinRule('knock_restricted').judgeMember(bob, 'knock'))
  })

  it('let knock nowhere else', () => {
    for (const joinRule of ['public', 'invite', 'private', 'restricted']) {
      expectRefused(room('11').joinRule(joinRule).judgeMember(bob, 'knock'), 'the join rule allows no knocking')
    }
    expectRefused(room('11').judgeMember(bob, 'knock'), 'the join rule allows no knocking')
    expectRefused(room('9').joinRule('knock_restricted').judgeMember(bob, 'knock'), 'the join rule allows no knocking')
  })

  it('let nobody knock for another user', () => {
    expectRefused(room('11').joinRule('knock').judgeMember(bob, 'knock', carol), 'nobody can knock for another user')
  })

  it('let those knock again who knocked or left, but not who is banned, invited or in the room', () => {
    const story = room('11').joinRule('knock')
    expectAllowed(story.member(bob, 'knock').judgeMember(bob, 'knock'))
    expectAllowed(story.member(bob, 'leave').judgeMember(bob, 'knock'))
    expectRefused(story.ban(bob).judgeMember(bob, 'knock'), 'the user is banned')
    expectRefused(story.invite(bob).judgeMember(bob, 'knock'), 'the user is invited already')
    expectRefused(story.join(bob).judgeMember(bob, 'knock'), 'the user is in the room already')
  })
})
