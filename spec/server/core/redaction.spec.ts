import { expect } from 'chai'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { EventId, UserId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import { isOfOneServer, redact } from '../../../server/core/redaction.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { randomJson, randomNumbers } from '../../support/random-json.ts'

const versions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
const content = (version: string, type: string, whole: JsonObject) => redact({ type, content: whole }, roomRules(version)!)['content']

/** Which keys of a content stay in which version: what the specification's sections "Redactions" say. */
function expectKept(type: string, whole: JsonObject, kept: (version: number) => string[]): void {
  for (const version of versions) {
    expect(Object.keys(content(version, type, whole) as JsonObject), `${type} in version ${version}`).to.have.members(kept(Number(version)))
  }
}

describe('a redaction', () => {
  it('keeps the keys of an event that hold the room together', () => {
    const always = 'event_id type room_id sender state_key content hashes signatures depth prev_events auth_events origin_server_ts'.split(
      ' ',
    )
    const once = ['prev_state', 'origin', 'membership']
    const event = Object.fromEntries([...always, ...once, 'unsigned', 'redacts', 'age', 'made_up'].map((key) => [key, {}]))
    for (const version of versions) {
      const kept = Number(version) < 11 ? [...always, ...once] : always
      expect(Object.keys(redact(event, roomRules(version)!)), `version ${version}`).to.have.members(kept)
    }
  })

  it('empties the content of everything that has no say in the room', () => {
    for (const type of ['m.room.message', 'm.room.name', 'm.room.topic', 'constructor', '__proto__']) {
      expectKept(type, { body: 'x', membership: 'join', creator: 'x' }, () => [])
    }
  })

  it('keeps the membership of a member, since version 9 who authorised it, since version 11 the signed invite', () => {
    const whole = {
      membership: 'join',
      displayname: 'x',
      join_authorised_via_users_server: '@a:b',
      third_party_invite: { signed: 1, x: 2 },
    }
    expectKept('m.room.member', whole, (version) => [
      'membership',
      ...(version >= 9 ? ['join_authorised_via_users_server'] : []),
      ...(version >= 11 ? ['third_party_invite'] : []),
    ])
    expect(content('11', 'm.room.member', whole)).to.have.deep.property('third_party_invite', { signed: 1 })
  })

  it('keeps an empty third-party invite where nothing of it is signed, and nothing of what is none', () => {
    const left = (invite: Json, version = '11') =>
      (content(version, 'm.room.member', { membership: 'join', third_party_invite: invite }) as JsonObject)['third_party_invite']
    for (const version of ['11', '12']) for (const invite of [{}, { x: 1 }]) expect(left(invite, version)).to.deep.equal({})
    for (const signed of [null, 'x', {}]) expect(left({ signed, x: 1 })).to.deep.equal({ signed })
    for (const invite of ['signed', null, ['signed'], 7, false]) expect(left(invite)).to.equal(undefined)
    expect(left({}, '10')).to.equal(undefined)
  })

  it('names an event as Synapse does that has an empty third-party invite', () => {
    const event = {
      type: 'm.room.member',
      room_id: '!a:b',
      sender: '@a:b',
      state_key: '@a:b',
      content: { membership: 'join', third_party_invite: {}, displayname: 'A' },
      depth: 5,
      prev_events: [],
      auth_events: [],
      origin_server_ts: 1,
      hashes: { sha256: 'abc' },
      signatures: {},
    }
    const named = (version: string) => eventIdOf(event as never, roomRules(version)!)
    expect(['10', '11', '12'].map(named)).to.deep.equal([
      '$6OVFlikhpA8cbI_KwNajWUnZ8EqSeHV0akRxnn_RonM',
      '$_lBkXU-B1VGPOgGx3jHwsw0wG2iTpbAu7K-23-HG2wg',
      '$_lBkXU-B1VGPOgGx3jHwsw0wG2iTpbAu7K-23-HG2wg',
    ])
  })

  it('keeps the creator of a create event, since version 11 all of it', () => {
    expectKept('m.room.create', { creator: 'x', room_version: '1', 'm.federate': false }, (version) =>
      version < 11 ? ['creator'] : ['creator', 'room_version', 'm.federate'],
    )
  })

  it('keeps the join rule, since version 8 whom it allows', () => {
    expectKept('m.room.join_rules', { join_rule: 'x', allow: [], x: 1 }, (version) =>
      version < 8 ? ['join_rule'] : ['join_rule', 'allow'],
    )
  })

  it('keeps power levels, since version 11 that for invites, and never notifications', () => {
    const kept = ['ban', 'events', 'events_default', 'kick', 'redact', 'state_default', 'users', 'users_default']
    const whole = Object.fromEntries([...kept, 'invite', 'notifications', 'x'].map((key) => [key, 1]))
    expectKept('m.room.power_levels', whole, (version) => (version < 11 ? kept : [...kept, 'invite']))
  })

  it('keeps aliases until version 5', () => {
    expectKept('m.room.aliases', { aliases: [], x: 1 }, (version) => (version < 6 ? ['aliases'] : []))
  })

  it('keeps the history visibility, and since version 11 what a redaction redacts', () => {
    expectKept('m.room.history_visibility', { history_visibility: 'x', x: 1 }, () => ['history_visibility'])
    expectKept('m.room.redaction', { redacts: '$x', reason: 'x' }, (version) => (version < 11 ? [] : ['redacts']))
  })

  it('changes nothing the second time, and never its source', () => {
    const random = randomNumbers(12)
    const types = Object.keys(roomRules('1')!.redaction.content)
    for (let round = 0; round < 200; round++) {
      const rules = roomRules(versions[round % versions.length]!)!
      const type = types[round % types.length]!
      const event = { type, content: { membership: randomJson(random, 2), creator: 1, users: {}, x: randomJson(random, 2) }, x: 1 }
      const before = structuredClone(event)
      const once = redact(event, rules)
      expect(redact(once, rules)).to.deep.equal(once)
      expect(event).to.deep.equal(before)
    }
  })

  it('leaves keys that are absent absent', () => {
    expect(redact({ type: 'm.room.member', content: {} }, roomRules('11')!)).to.deep.equal({ type: 'm.room.member', content: {} })
  })
})

describe('a redaction by somebody without power', () => {
  const of = (eventId: EventId, sender: UserId) => ({ eventId, sender })

  it('is of the server of its target by their ids in versions 1 and 2, and by their senders since', () => {
    for (const version of versions) {
      const rules = roomRules(version)!
      const byId = Number(version) < 3
      expect(isOfOneServer(of('$1:a.test', '@a:a.test'), of('$2:a.test', '@b:a.test'), rules), version).to.equal(true)
      expect(isOfOneServer(of('$1:a.test', '@a:a.test'), of('$2:b.test', '@b:b.test'), rules), version).to.equal(false)
      expect(isOfOneServer(of('$1:a.test', '@a:b.test'), of('$2:a.test', '@b:a.test'), rules), version).to.equal(byId)
      expect(isOfOneServer(of('$1', '@a:a.test'), of('$2', '@b:a.test'), rules), version).to.equal(!byId)
    }
  })
})
