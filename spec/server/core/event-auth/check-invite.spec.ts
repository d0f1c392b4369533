import { encodeBase64 } from '../../../../server/core/base64.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { generateSigningKey, signJson } from '../../../../server/core/signatures.ts'
import { type RoomStory, room } from '../../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../../support/verdicts.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const alice = '@alice:a.test'
const bob = '@bob:b.test'
const carol = '@carol:c.test'

describe('the rules for inviting', () => {
  it('let a member with the invite level invite', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public').join(carol)
      expectAllowed(story.levels({ invite: 10, users: { [carol]: 10 } }).judgeMember(bob, 'invite', carol))
      expectRefused(story.levels({ invite: 11, users: { [carol]: 10 } }).judgeMember(bob, 'invite', carol), 'the sender may not invite')
    }
  })

  it('let anybody in the room invite where no level is set', () => {
    for (const version of versions) expectAllowed(room(version).joinRule('public').join(carol).judgeMember(bob, 'invite', carol))
  })

  it('let nobody invite who is not in the room', () => {
    for (const version of versions) {
      expectRefused(room(version).invite(carol).judgeMember(bob, 'invite', carol), 'the sender is not in the room')
    }
  })

  it('let nobody be invited who is in the room or banned', () => {
    for (const version of versions) {
      const story = room(version).joinRule('public')
      expectRefused(story.join(bob).judgeMember(bob, 'invite', alice), 'the user is in the room already')
      expectRefused(story.ban(bob).judgeMember(bob, 'invite', alice), 'the user is banned')
    }
  })

  it('let those be invited who left, knocked or were invited before', () => {
    const story = room('11').joinRule('knock')
    for (const membership of ['leave', 'knock', 'invite']) expectAllowed(story.member(bob, membership).judgeMember(bob, 'invite', alice))
  })
})

const idKey = generateSigningKey(new Uint8Array(32).fill(1), '0')
const otherKey = generateSigningKey(new Uint8Array(32).fill(2), '0')
const publicKey = encodeBase64(idKey.publicKey)

function offered(version: string, content: JsonObject = { public_key: publicKey }): RoomStory {
  const story = room(version)
  story.tell({ type: 'm.room.third_party_invite', state_key: 'tok', content })
  return story
}

function signed(fields: JsonObject = { mxid: bob, token: 'tok' }, key = idKey): JsonObject {
  return { third_party_invite: { display_name: 'b…@x', signed: signJson(fields, 'id.test', key) } }
}

describe('the rules for invites by a third-party identifier', () => {
  it('let in whom the identity server has signed for', () => {
    for (const version of versions) expectAllowed(offered(version).judgeMember(bob, 'invite', alice, signed()))
  })

  it('take any key of the list', () => {
    const story = offered('11', { public_keys: [{ public_key: encodeBase64(otherKey.publicKey) }, { public_key: publicKey }] })
    expectAllowed(story.judgeMember(bob, 'invite', alice, signed()))
  })

  it('let who made the offer complete it after leaving the room', () => {
    expectAllowed(offered('11').member(alice, 'leave').judgeMember(bob, 'invite', alice, signed()))
  })

  it('let nobody in who is banned', () => {
    for (const version of versions)
      expectRefused(offered(version).ban(bob).judgeMember(bob, 'invite', alice, signed()), 'the user is banned')
  })

  it('refuse an invite that is not signed at all', () => {
    for (const invite of [{}, { signed: 'yes' }, { signed: null }, 'invite', null]) {
      const verdict = offered('11').judgeMember(bob, 'invite', alice, { third_party_invite: invite })
      expectRefused(verdict, 'the third-party invite is not signed')
    }
  })

  it('refuse one without mxid or token', () => {
    const reason = 'the third-party invite has no mxid or no token'
    expectRefused(offered('11').judgeMember(bob, 'invite', alice, signed({ token: 'tok' })), reason)
    expectRefused(offered('11').judgeMember(bob, 'invite', alice, signed({ mxid: bob })), reason)
  })

  it('refuse one for another user', () => {
    const verdict = offered('11').judgeMember(carol, 'invite', alice, signed())
    expectRefused(verdict, 'the third-party invite is for another user')
  })

  it('refuse one that the room does not know', () => {
    const verdict = offered('11').judgeMember(bob, 'invite', alice, signed({ mxid: bob, token: 'other' }))
    expectRefused(verdict, 'the room knows no such third-party invite')
  })

  it('refuse one that another user offered', () => {
    const story = offered('11').joinRule('public').join(carol)
    expectRefused(story.judgeMember(bob, 'invite', carol, signed()), 'the third-party invite was made by another user')
  })

  it('refuse signatures of a wrong key, of altered words, of another algorithm, and none', () => {
    const reason = 'no signature of the third-party invite is valid'
    const fields = { mxid: bob, token: 'tok' }
    const good = signJson(fields, 'id.test', idKey)
    const signature = Object.values(good.signatures['id.test'] as JsonObject)[0]!
    expectRefused(offered('11').judgeMember(bob, 'invite', alice, signed(fields, otherKey)), reason)
    for (const bad of [
      { ...good, sender: '@mallory:m.test' },
      { ...fields, signatures: { 'id.test': { 'rsa:0': signature } } },
      { ...fields, signatures: 'none' },
      fields,
    ]) {
      expectRefused(offered('11').judgeMember(bob, 'invite', alice, { third_party_invite: { signed: bad } }), reason)
    }
  })

  it('refuse when the offer has no usable key', () => {
    for (const content of [{}, { public_key: 7 }, { public_key: '!' }, { public_keys: 'all' }, { public_keys: [null] }]) {
      const verdict = offered('11', content).judgeMember(bob, 'invite', alice, signed())
      expectRefused(verdict, 'no signature of the third-party invite is valid')
    }
  })

  it('give up on an event that asks for thousands of verifications', () => {
    const keys = Array.from({ length: 100 }, () => ({ public_key: encodeBase64(otherKey.publicKey) }))
    const wrong = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`ed25519:${at}`, encodeBase64(new Uint8Array(64))]))
    const invite = { signed: { mxid: bob, token: 'tok', signatures: { 'id.test': wrong } } }
    const verdict = offered('11', { public_keys: keys }).judgeMember(bob, 'invite', alice, { third_party_invite: invite })
    expectRefused(verdict, 'no signature of the third-party invite is valid')
  })
})
