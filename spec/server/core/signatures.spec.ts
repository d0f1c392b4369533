import { expect } from 'chai'
import { decodeBase64, encodeBase64, encodeBase64Url } from '../../../server/core/base64.ts'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { UnsignedPdu } from '../../../server/core/pdu.ts'
import { redact } from '../../../server/core/redaction.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import {
  generateSigningKey,
  hashAndSignPdu,
  signersOf,
  signJson,
  signPdu,
  signText,
  verifyPdu,
  verifySignature,
  verifyText,
} from '../../../server/core/signatures.ts'
import { room, type Told } from '../../support/room-story.ts'

/** https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors */
const key = generateSigningKey(decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1')!, '1')
const other = generateSigningKey(new Uint8Array(32), '1')
const v11 = roomRules('11')!

const signers = (version: string, told: Told) => signersOf(room(version).build(told), roomRules(version)!)
const invite: Told = {
  type: 'm.room.member',
  sender: '@bob:b.test',
  state_key: '@carol:c.test',
  content: { membership: 'invite', third_party_invite: {} },
}

describe('signatures', () => {
  it('of JSON are those of the specification’s test vectors', () => {
    expect(signJson({}, 'domain', key)).to.deep.equal({
      signatures: {
        domain: { 'ed25519:1': 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ' },
      },
    })
    expect(signJson({ one: 1, two: 'Two' }, 'domain', key).signatures).to.deep.equal({
      domain: { 'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw' },
    })
  })

  it('of events are those of the specification’s test vectors', () => {
    const minimal = {
      room_id: '!x:domain',
      sender: '@a:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      type: 'X',
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1000000 },
    } satisfies UnsignedPdu
    const redactable = {
      content: { body: 'Here is the message content' },
      event_id: '$0:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      type: 'm.room.message',
      room_id: '!r:domain',
      sender: '@u:domain',
      unsigned: { age_ts: 1000000 },
    } as unknown as UnsignedPdu
    expect(hashAndSignPdu(minimal, roomRules('3')!, 'domain', key).pdu).to.deep.equal({
      ...minimal,
      hashes: { sha256: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos' },
      signatures: {
        domain: { 'ed25519:1': 'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg' },
      },
    })
    expect(hashAndSignPdu(redactable, roomRules('1')!, 'domain', key)).to.deep.equal({
      eventId: '$0:domain',
      pdu: {
        ...redactable,
        hashes: { sha256: 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g' },
        signatures: {
          domain: { 'ed25519:1': 'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA' },
        },
      },
    })
  })

  it('stand beside those of others, and do not cover unsigned', () => {
    const first = signJson({ a: 1, unsigned: { age: 1 } }, 'one.test', key)
    const both = signJson({ ...first, unsigned: { age: 2 } }, 'two.test', other)
    expect(verifySignature(both, 'one.test', 'ed25519:1', key.publicKey)).to.equal(true)
    expect(verifySignature(both, 'two.test', 'ed25519:1', encodeBase64(other.publicKey))).to.equal(true)
    expect(verifySignature(both, 'two.test', 'ed25519:1', key.publicKey)).to.equal(false)
    expect(verifySignature(both, 'three.test', 'ed25519:1', key.publicKey)).to.equal(false)
    expect(verifySignature({ ...both, a: 2 }, 'one.test', 'ed25519:1', key.publicKey)).to.equal(false)
  })

  it('of one server under several keys stand side by side', () => {
    const second = generateSigningKey(key.seed, '2')
    const twice = signJson(signJson({ a: 1 }, 'one.test', key), 'one.test', second)
    expect(Object.keys(twice.signatures['one.test'] as object)).to.deep.equal(['ed25519:1', 'ed25519:2'])
  })

  it('of a wrong form fail and never throw', () => {
    const good = signText('text', key)
    for (const signature of [undefined, null, 7, '', 'AAAA', good.slice(1), `${good}AA`, '§', good.replace(/^./, '!')]) {
      expect(verifyText('text', signature, key.publicKey)).to.equal(false)
    }
    for (const publicKey of ['', 'AAAA', '§', new Uint8Array(31), new Uint8Array(32).fill(255)]) {
      expect(verifyText('text', good, publicKey)).to.equal(false)
    }
    for (const signatures of [
      undefined,
      null,
      'x',
      { d: 'x' },
      { d: { 'ed25519:1': 7 } },
      { d: { 'rsa:1': good } },
      JSON.parse('{"__proto__":{}}'),
    ]) {
      expect(verifySignature({ signatures }, 'd', 'ed25519:1', key.publicKey)).to.equal(false)
      expect(verifySignature({ signatures }, '__proto__', 'toString', key.publicKey)).to.equal(false)
    }
  })

  it('of an event hold for its redacted form too', () => {
    const event = room('11').build({ type: 'm.room.message', content: { body: 'hello' } })
    const signed = signPdu(event, v11, 'b.test', key)
    expect(verifyPdu(signed, v11, 'b.test', 'ed25519:1', key.publicKey)).to.equal(true)
    expect(verifyPdu(redact(signed, v11), v11, 'b.test', 'ed25519:1', key.publicKey)).to.equal(true)
    expect(verifyPdu({ ...signed, depth: 99 }, v11, 'b.test', 'ed25519:1', key.publicKey)).to.equal(false)
    expect(Object.keys(signed.signatures)).to.deep.equal(['a.test', 'b.test'])
  })

  it('come with the id that the event has', () => {
    for (const version of ['3', '4', '11', '12']) {
      const rules = roomRules(version)!
      const { hashes: _, signatures: __, ...event } = room(version).build({ type: 'm.any' })
      const { pdu, eventId } = hashAndSignPdu(event, rules, 'a.test', key)
      expect(eventIdOf(pdu, rules)).to.equal(eventId)
    }
  })

  it('are refused to events without a canonical form', () => {
    const { hashes: _, signatures: __, ...event } = room('11').build({ type: 'm.any' })
    expect(() => hashAndSignPdu({ ...event, content: { level: 0.5 } }, v11, 'a.test', key))
      .to.throw()
      .with.property('errcode', 'M_BAD_JSON')
  })
})

describe('signing keys', () => {
  it('are the same for the same seed and named after their public key', () => {
    const seed = new Uint8Array(32).fill(9)
    expect(generateSigningKey(seed)).to.deep.equal(generateSigningKey(seed))
    expect(generateSigningKey(seed).keyId).to.match(/^ed25519:[A-Za-z0-9_]{8}$/)
    expect(generateSigningKey(seed).keyId).to.not.equal(generateSigningKey(new Uint8Array(32)).keyId)
  })

  it('need a seed of 32 bytes', () => {
    expect(() => generateSigningKey(new Uint8Array(31))).to.throw(RangeError)
  })
})

describe('unpadded Base64', () => {
  it('is written without padding and read in every form', () => {
    for (const [text, encoded] of [
      ['', ''],
      ['f', 'Zg'],
      ['fo', 'Zm8'],
      ['foo', 'Zm9v'],
      ['foob', 'Zm9vYg'],
      ['fooba', 'Zm9vYmE'],
    ] as const) {
      expect(encodeBase64(Buffer.from(text))).to.equal(encoded)
      expect(decodeBase64(encoded)!.toString()).to.equal(text)
    }
    expect(decodeBase64('Zg==')!.toString()).to.equal('f')
    expect(encodeBase64Url(Uint8Array.of(251, 255))).to.equal('-_8')
    expect(decodeBase64('-_8')).to.deep.equal(decodeBase64('+/8'))
    for (const wrong of ['Zg=x', 'Z g', 'Zg\n', 7, undefined]) expect(decodeBase64(wrong)).to.equal(undefined)
  })
})

describe('the servers that must have signed an event', () => {
  it('are that of the sender alone since version 3', () => {
    for (const version of ['3', '5', '6', '12']) {
      expect(signers(version, { type: 'm.any', sender: '@bob:b.test', event_id: '$1:c.test' })).to.deep.equal(['b.test'])
    }
  })

  it('are also that of the event id in versions 1 and 2', () => {
    for (const version of ['1', '2']) {
      expect(signers(version, { type: 'm.any', sender: '@bob:b.test', event_id: '$1:c.test' })).to.deep.equal(['b.test', 'c.test'])
      expect(signers(version, { type: 'm.any', sender: '@bob:b.test', event_id: '$1:b.test' })).to.deep.equal(['b.test'])
    }
  })

  it('are not that of the sender of a third-party invite, which another server may send', () => {
    expect(signers('11', invite)).to.deep.equal([])
    expect(signers('1', { ...invite, event_id: '$1:c.test' })).to.deep.equal(['c.test'])
    expect(signers('11', { ...invite, content: { membership: 'invite' } })).to.deep.equal(['b.test'])
    expect(signers('11', { ...invite, content: { membership: 'join', third_party_invite: {} } })).to.deep.equal(['b.test'])
  })
})
