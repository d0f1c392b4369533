import { expect } from 'chai'
import { selectAuthEvents } from '../../../../server/core/event-auth/select-auth-events.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'

const create = ['m.room.create', '']
const levels = ['m.room.power_levels', '']
const joinRules = ['m.room.join_rules', '']
const alice = ['m.room.member', '@alice:a']
const bob = ['m.room.member', '@bob:b']

function select(version: string, type: string, content: JsonObject = {}, stateKey?: string) {
  return selectAuthEvents(
    { type, sender: '@alice:a', content, ...(stateKey === undefined ? {} : { state_key: stateKey }) },
    roomRules(version)!,
  )
}

describe('the selection of auth events', () => {
  it('is empty for the create event', () => {
    expect(select('11', 'm.room.create', {}, '')).to.deep.equal([])
  })

  it('names create, power levels and the sender’s membership for a message', () => {
    expect(select('11', 'm.room.message')).to.deep.equal([create, levels, alice])
  })

  it('does not look for a target in other state', () => {
    expect(select('11', 'm.room.name', {}, '')).to.deep.equal([create, levels, alice])
    expect(select('11', 'm.room.member', { membership: 'join' })).to.deep.equal([create, levels, alice])
  })

  it('leaves out the create event since version 12', () => {
    expect(select('12', 'm.room.message')).to.deep.equal([levels, alice])
  })

  it('adds the target of a membership event', () => {
    expect(select('11', 'm.room.member', { membership: 'ban' }, '@bob:b')).to.deep.equal([create, levels, alice, bob])
  })

  it('names a user once who is both sender and target', () => {
    expect(select('11', 'm.room.member', { membership: 'leave' }, '@alice:a')).to.deep.equal([create, levels, alice])
  })

  it('adds the join rules to joins, invites and knocks', () => {
    for (const membership of ['join', 'invite', 'knock']) {
      expect(select('11', 'm.room.member', { membership }, '@alice:a')).to.deep.equal([create, levels, alice, joinRules])
    }
    expect(select('6', 'm.room.member', { membership: 'knock' }, '@alice:a')).to.deep.equal([create, levels, alice])
  })

  it('adds the third-party invite that an invite answers', () => {
    const content = { membership: 'invite', third_party_invite: { signed: { token: 'tok' } } }
    expect(select('11', 'm.room.member', content, '@bob:b')).to.deep.include(['m.room.third_party_invite', 'tok'])
    expect(select('11', 'm.room.member', { ...content, membership: 'join' }, '@bob:b')).to.have.length(5)
  })

  it('adds who authorises a restricted join, since version 8', () => {
    const content = { membership: 'join', join_authorised_via_users_server: '@bob:b' }
    expect(select('8', 'm.room.member', content, '@alice:a')).to.deep.equal([create, levels, alice, joinRules, bob])
    expect(select('7', 'm.room.member', content, '@alice:a')).to.deep.equal([create, levels, alice, joinRules])
  })

  it('never asks for more than ten', () => {
    const content = { membership: 'invite', join_authorised_via_users_server: '@c:c', third_party_invite: { signed: { token: 't' } } }
    expect(select('11', 'm.room.member', content, '@bob:b').length).to.be.at.most(10)
  })
})
