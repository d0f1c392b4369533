import { expect } from 'chai'
import { contentHash, eventIdOf, hasRightHash, referenceHash, referenceOf } from '../../../server/core/hashes.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { parseLossless } from '../../../server/core/lossless-json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { room } from '../../support/room-story.ts'

const rules = (version: string) => roomRules(version)!
const pdu = room('11').build({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'hello' } })

describe('the hashes of an event', () => {
  it('are those of the specification’s test vectors', () => {
    const minimal = {
      room_id: '!x:domain',
      sender: '@a:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      signatures: {},
      hashes: {},
      type: 'X',
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1000000 },
    }
    expect(contentHash(minimal)).to.equal('5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos')
  })

  it('cover the content, but neither unsigned nor signatures', () => {
    expect(hasRightHash(pdu, rules('11'))).to.equal(true)
    expect(hasRightHash({ ...pdu, unsigned: { age: 1 }, signatures: {} }, rules('11'))).to.equal(true)
    expect(hasRightHash({ ...pdu, content: { msgtype: 'm.text', body: 'hullo' } }, rules('11'))).to.equal(false)
    expect(hasRightHash({ ...pdu, hashes: { sha256: '' } }, rules('11'))).to.equal(false)
    expect(hasRightHash({ ...pdu, hashes: { sha256: '§' } }, rules('11'))).to.equal(false)
  })

  it('give an event id that survives a redaction of its content, but not a change of its hash', () => {
    const id = eventIdOf(pdu, rules('11'))
    expect(eventIdOf({ ...pdu, content: {}, signatures: {}, unsigned: { age: 1 } }, rules('11'))).to.equal(id)
    expect(eventIdOf({ ...pdu, hashes: { sha256: 'other' } }, rules('11'))).to.not.equal(id)
  })

  it('make ids of 43 characters: in standard Base64 in version 3, URL-safe since', () => {
    for (let depth = 1; depth < 50; depth++) {
      const event: Pdu = { ...pdu, depth }
      const standard = eventIdOf(event, rules('3'))
      expect(standard).to.match(/^\$[A-Za-z0-9+/]{43}$/)
      expect(eventIdOf(event, rules('4'))).to.equal(standard.replaceAll('+', '-').replaceAll('/', '_'))
    }
  })

  it('leave the id to the event in versions 1 and 2', () => {
    expect(eventIdOf({ ...pdu, event_id: '$1:a.test' }, rules('2'))).to.equal('$1:a.test')
    expect(() => eventIdOf(pdu, rules('1')))
      .to.throw()
      .with.property('errcode', 'M_BAD_JSON')
    expect(referenceHash({ ...pdu, event_id: '$1:a.test' }, rules('2'))).to.match(/^[A-Za-z0-9+/]{43}$/)
  })

  it('are what others cite an event by in versions 1 and 2, whether it was redacted or not', () => {
    const event = { ...pdu, event_id: '$1:a.test' } as const
    const reference = ['$1:a.test', { sha256: referenceHash(event, rules('2')) }]
    expect(referenceOf('$1:a.test', event, rules('2'))).to.deep.equal(reference)
    expect(referenceOf('$1:a.test', event, rules('2'))).to.deep.equal(reference)
    expect(referenceOf('$1:a.test', { ...event, content: {} }, rules('2'))).to.deep.equal(reference)
    expect(referenceOf('$1', pdu, rules('3'))).to.equal('$1')
  })

  it('can be taken of the large integers of old rooms', () => {
    const deep: Pdu = { ...pdu, depth: 2n ** 62n }
    expect(eventIdOf(deep, rules('5'))).to.not.equal(eventIdOf({ ...pdu, depth: 2n ** 62n + 1n }, rules('5')))
    expect(() => eventIdOf(deep, rules('6')))
      .to.throw()
      .with.property('errcode', 'M_BAD_JSON')
  })

  it('are taken of numbers as they are spelled in the rooms of versions 1 to 5, and of none that is no integer since', () => {
    const event = parseLossless('{"content":{"a":1.0,"b":[1000.0,-0.0,5e-07],"c":0.5},"type":"X"}') as JsonObject
    expect(contentHash(event, rules('5'))).to.equal('AWyuOsYLA9XW31h/6N3aygFi5G3QBxg0rJgfvKI7YsM')
    expect(() => contentHash(event, rules('6')))
      .to.throw()
      .with.property('errcode', 'M_BAD_JSON')
  })
})
