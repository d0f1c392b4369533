import { expect } from 'chai'
import { parseLossless } from '../../../server/core/lossless-json.ts'
import {
  authEventIdsOf,
  checkPduShape,
  createIdOf,
  isState,
  maxPduBytes,
  named,
  prevEventIdsOf,
  referenceTo,
} from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { room } from '../../support/room-story.ts'
import { expectAllowed, expectRefused } from '../../support/verdicts.ts'

const rules = (version: string) => roomRules(version)!
const good = room('11').build({ type: 'm.room.message', content: { body: 'hello' } })
const check = (changes: object, version = '11') => checkPduShape({ ...good, ...changes }, rules(version))

describe('the form of an event', () => {
  it('is right for what a server of each version makes', () => {
    for (const version of ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']) {
      expectAllowed(checkPduShape(room(version).build({ type: 'm.any', state_key: '' }), rules(version)))
    }
  })

  it('asks for an object', () => {
    for (const value of [null, [], 'event', 7, undefined]) expectRefused(checkPduShape(value, rules('11')), 'the event is not an object')
  })

  it('asks for a type, a sender, and a state key that is a string', () => {
    for (const type of [undefined, 7, null, 'x'.repeat(256)]) expectRefused(check({ type }), 'type is not a string of at most 255 bytes')
    for (const sender of [undefined, 7, 'alice', '@alice']) expectRefused(check({ sender }), 'sender is not a user id')
    for (const key of [7, null, {}, 'x'.repeat(256)])
      expectRefused(check({ state_key: key }), 'state_key is not a string of at most 255 bytes')
    expectAllowed(check({ state_key: 'x'.repeat(255) }))
  })

  it('counts bytes since version 11, and characters before', () => {
    const wide = 'é'.repeat(200)
    expectRefused(check({ type: wide }, '11'), 'type is not a string of at most 255 bytes')
    expectAllowed(check({ type: wide }, '10'))
    expectAllowed(check({ state_key: '😀'.repeat(255) }, '10'))
    expectRefused(check({ state_key: '😀'.repeat(256) }, '10'), 'state_key is not a string of at most 255 bytes')
  })

  it('asks for a room id, but for the create event of a room of version 12', () => {
    expectRefused(check({ room_id: undefined }), 'room_id is not a room id')
    expectRefused(check({ room_id: 'room' }), 'room_id is not a room id')
    expectAllowed(check({ type: 'm.room.create', state_key: '', room_id: undefined }, '12'))
    expectRefused(check({ type: 'm.room.create', state_key: 'x', room_id: undefined }, '12'), 'room_id is not a room id')
    expectRefused(check({ type: 'm.room.create', state_key: '', room_id: undefined }, '11'), 'room_id is not a room id')
  })

  it('cites at most ten auth events and twenty prev events, by their ids', () => {
    const ids = (count: number) => Array.from({ length: count }, (_, at) => `$${at}`)
    expectAllowed(check({ auth_events: ids(10), prev_events: ids(20) }))
    expectRefused(check({ auth_events: ids(11) }), 'auth_events is not a list of at most 10 event ids')
    expectRefused(check({ prev_events: ids(21) }), 'prev_events is not a list of at most 20 event ids')
    for (const list of [undefined, null, {}, [7], ['event'], [['$1', {}]]]) {
      expectRefused(check({ prev_events: list }), 'prev_events is not a list of at most 20 event ids')
    }
  })

  it('carries an id and cites pairs in versions 1 and 2', () => {
    const pairs = { auth_events: [['$1:a', { sha256: 'x' }]], prev_events: [['$1:a', {}]] }
    expectAllowed(check({ ...pairs, event_id: '$2:a' }, '1'))
    for (const id of [undefined, 7, '$2', '2:a', '$2:', '$2:a b', `$${'2'.repeat(253)}:a`]) {
      expectRefused(check({ ...pairs, event_id: id }, '2'), 'event_id is not an event id with a domain')
    }
    expectAllowed(check({ event_id: '$2' }, '3'))
    for (const pair of ['$1:a', ['$1:a'], ['$1:a', {}, {}], ['1:a', {}], ['$1:a', 'x'], {}]) {
      const verdict = check({ ...pairs, event_id: '$2:a', auth_events: [pair] }, '2')
      expectRefused(verdict, 'auth_events is not a list of at most 10 event ids')
    }
  })

  it('keeps the depth within 2^53-1 since version 6, within 2^63-1 before', () => {
    const reason = 'depth is not an integer within its limits'
    for (const depth of [undefined, '1', -1, 1.5, 2 ** 53, 2n ** 62n, null]) expectRefused(check({ depth }), reason)
    for (const depth of [0, 2 ** 53 - 1]) expectAllowed(check({ depth }))
    expectAllowed(check({ depth: 2n ** 63n - 1n }, '5'))
    expectRefused(check({ depth: 2n ** 63n }, '5'), reason)
  })

  it('asks for a time that is an integer', () => {
    for (const ts of [undefined, '1', 1.5, null, 2 ** 53]) {
      expectRefused(check({ origin_server_ts: ts }), 'origin_server_ts is not an integer within its limits')
    }
  })

  it('asks for content, hashes and signatures of their forms', () => {
    for (const content of [undefined, null, [], 'x']) expectRefused(check({ content }), 'content is not an object')
    for (const hashes of [undefined, {}, { sha256: 7 }, 'x']) expectRefused(check({ hashes }), 'hashes holds no sha256')
    for (const signatures of [undefined, [], { a: 'x' }, { a: { 'ed25519:1': 7 } }]) {
      expectRefused(check({ signatures }), 'signatures is not a map of maps of strings')
    }
    expectRefused(check({ unsigned: 'x' }), 'unsigned is not an object')
  })

  it('is canonical JSON since version 6', () => {
    const content = parseLossless('{"a":[{"b":9223372036854775807}]}')
    expectRefused(check({ content }, '6'), 'an integer is out of range')
    expectRefused(check({ content: { a: 0.5 } }, '6'), 'a number is not an integer')
    expectRefused(check({ content: { a: '\ud800' } }, '6'), 'a string holds half of a surrogate pair')
    expectAllowed(check({ content }, '5'))
    for (const number of ['1.0', '1e3', '-0.0', '1E+400']) {
      expectRefused(check({ content: parseLossless(`{"a":[${number}]}`) }, '6'), 'a number is not an integer')
      expectAllowed(check({ content: parseLossless(`{"a":[${number}]}`) }, '5'))
    }
    expectRefused(check({ content: parseLossless('1.0') }, '5'), 'content is not an object')
  })

  it('is at most 65,536 bytes long with its signatures, whatever others put into unsigned', () => {
    const spare = maxPduBytes - Buffer.byteLength(JSON.stringify({ ...good, content: { body: '' } }))
    expectAllowed(check({ content: { body: 'x'.repeat(spare) } }))
    expectAllowed(check({ content: { body: 'x'.repeat(spare) }, unsigned: { age: 1, note: 0.5 } }))
    expectRefused(check({ content: { body: 'x'.repeat(spare + 1) } }), 'the event is larger than 65,536 bytes')
    expectRefused(check({ content: { body: 'é'.repeat(spare / 2 + 1) } }), 'the event is larger than 65,536 bytes')
  })

  it('tells state from messages by the state key alone', () => {
    expect(isState({ state_key: '' })).to.equal(true)
    expect(isState({})).to.equal(false)
  })
})

describe('references to events', () => {
  it('are pairs of id and hash in versions 1 and 2, and ids since', () => {
    for (const version of ['1', '2']) {
      expect(referenceTo('$1:a.test', 'hash', roomRules(version)!)).to.deep.equal(['$1:a.test', { sha256: 'hash' }])
    }
    for (const version of ['3', '4', '12']) expect(referenceTo('$1', 'hash', roomRules(version)!)).to.equal('$1')
  })

  it('are read in either form', () => {
    const event = room('11').build({ type: 'm.any' })
    const pairs = JSON.parse('[["$1:a.test",{"sha256":"x"}],["$2:a.test",{}]]')
    expect(prevEventIdsOf({ ...event, prev_events: pairs })).to.deep.equal(['$1:a.test', '$2:a.test'])
    expect(authEventIdsOf({ ...event, auth_events: pairs })).to.deep.equal(['$1:a.test', '$2:a.test'])
    expect(prevEventIdsOf({ ...event, prev_events: ['$1', '$2'] })).to.deep.equal(['$1', '$2'])
    expect(authEventIdsOf({ ...event, auth_events: [] })).to.deep.equal([])
  })

  it('go with a name that the event’s server gives it in versions 1 and 2, and with none since', () => {
    const { event_id: _, origin: __, ...event } = room('1').build({ type: 'm.any' })
    const home = { serverName: 'a.test', random: (bytes: number) => Buffer.alloc(bytes, 1) }
    const name = `$${Buffer.alloc(18, 1).toString('base64url')}:a.test`
    for (const version of ['1', '2']) {
      expect(named(event, home, roomRules(version)!)).to.deep.equal({ ...event, event_id: name, origin: 'a.test' })
    }
    for (const version of ['3', '12']) expect(named(event, home, roomRules(version)!)).to.equal(event)
  })

  it('lead from the room id to the create event since version 12', () => {
    const story = room('12')
    expect(story.build({ type: 'm.any' }).room_id).to.equal(`!${createIdOf(story.roomId!).slice(1)}`)
  })
})
