import { expect } from 'chai'
import { type JsonObject, objectAt } from '../../../../bridges/kit/crypto/json.ts'
import { loadOlm } from '../../../../bridges/kit/crypto/olm.ts'
import { addSignature, isSignedBy, seedKey, signedText } from '../../../../bridges/kit/crypto/signatures.ts'
import { makeAttacker } from './attacker.ts'
import { asEvent, type Bridge, bot, botDevice, ghost, makeBridge, room } from './bridge.ts'
import { type Human, makeHuman } from './human.ts'
import { type KeyServer, makeKeyServer } from './key-server.ts'

describe('encryption against hostile input', () => {
  let server: KeyServer
  let bridge: Bridge
  let alice: Human

  beforeEach(async () => {
    server = makeKeyServer()
    bridge = await makeBridge(server)
    alice = await makeHuman(server, '@alice:b', 'ALICE')
    await bridge.crypto.setUpIdentity(bot)
  })
  afterEach(() => bridge.end())

  const to = { to_user_id: bot, to_device_id: botDevice }
  const own = () => bridge.crypto.device(bot)?.identityKey ?? ''
  const receivedKeys = () => server.takeInbox('@alice:b', 'ALICE').filter(({ type }) => type === 'm.room.encrypted')

  it('takes no harm from transactions that are malformed in any way', async () => {
    const values = [null, 1, 'x', true, [], {}, [null], [1], [[]], { changed: 1, left: [null, 3] }, { [bot]: { [botDevice]: 'x' } }]
    for (const value of values) {
      for (const name of ['toDevice', 'deviceLists', 'oneTimeKeyCounts', 'unusedFallbackKeyTypes']) {
        bridge.crypto.receiveTransaction({ [name]: value })
      }
    }
    await bridge.crypto.idle()
  })

  it('takes no harm from to-device events that are malformed in any way, and still takes the good one among them', async () => {
    const good = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'good' })
    const [key] = server.takeInbox(bot, botDevice)
    const cipher = objectAt(objectAt(objectAt(key, 'content'), 'ciphertext'), own())
    const senderKey = objectAt(key, 'content').sender_key as string
    const contents: unknown[] = [
      null,
      [],
      'x',
      {},
      { sender_key: senderKey },
      { sender_key: 'short', ciphertext: { [own()]: cipher } },
      { sender_key: senderKey, ciphertext: { other: cipher } },
      { sender_key: senderKey, ciphertext: { [own()]: null } },
      { sender_key: senderKey, ciphertext: { [own()]: { type: 2, body: cipher.body } } },
      { sender_key: senderKey, ciphertext: { [own()]: { type: 1, body: cipher.body } } },
      { sender_key: senderKey, ciphertext: { [own()]: { type: 0, body: '' } } },
      { sender_key: senderKey, ciphertext: { [own()]: { type: 0, body: '\u0000ü💥' } } },
      { sender_key: senderKey, ciphertext: { [own()]: { type: 0, body: 'A'.repeat(1000) } } },
      { sender_key: senderKey, ciphertext: { [own()]: { type: 0, body: String(cipher.body).slice(0, 60) } } },
      { sender_key: own(), ciphertext: { [own()]: cipher } },
      { ['__proto__']: { sender_key: senderKey } },
    ]
    const types = ['m.room.encrypted', 'm.room_key', 'm.forwarded_room_key', 'm.room_key_request', 'm.room_key.withheld', 'm.dummy', '']
    const toDevice: unknown[] = contents.flatMap((content) => types.map((type) => ({ type, sender: alice.userId, ...to, content })))
    const { roomKeys } = bridge.crypto.receiveTransaction({
      toDevice: [...toDevice, { ...key, sender: 7 }, { ...key, to_user_id: 1 }, key],
    })
    expect(roomKeys).to.have.length(1)
    await bridge.crypto.idle()
    expect(bridge.crypto.decrypt(room, asEvent(alice.userId, good, '$1')).kind).to.equal('event')
  })

  it('takes no key in clear, and none under a sender who did not encrypt it', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    const [key] = server.takeInbox(bot, botDevice)
    const olm = await loadOlm()
    const group = new olm.OutboundGroupSession()
    group.create()
    const clear = { algorithm: 'm.megolm.v1.aes-sha2', room_id: room, session_id: group.session_id(), session_key: group.session_key() }
    group.free()
    const { roomKeys } = bridge.crypto.receiveTransaction({
      toDevice: [
        { type: 'm.room_key', sender: alice.userId, ...to, content: clear },
        { ...key, sender: '@mallory:b' },
      ],
    })
    expect(roomKeys).to.have.length(0)
    expect(bridge.crypto.decrypt(room, asEvent('@mallory:b', content, '$1')).kind).to.equal('missing')
  })

  it('refuses malformed room events with a reason, never an exception', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    await bridge.transact()
    const damaged = String(content.ciphertext).slice(0, -4) + 'AAAA'
    const contents: JsonObject[] = [
      {},
      { ...content, algorithm: 'm.olm.v1.curve25519-aes-sha2' },
      { ...content, ciphertext: {} },
      { ...content, ciphertext: damaged },
      { ...content, ciphertext: 'ü' },
      { ...content, session_id: 5 },
    ]
    const kinds = contents.map((one) => bridge.crypto.decrypt(room, asEvent(alice.userId, one, '$1')).kind)
    expect(new Set(kinds)).to.deep.equal(new Set(['refused']))
    expect(bridge.crypto.decrypt(room, { content, sender: alice.userId }).kind).to.equal('refused')
    expect(bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1')).kind).to.equal('event')
  })

  describe('gives no key to a device', () => {
    const target = () => server.device('@alice:b', 'ALICE')
    const signer = seedKey(new Uint8Array(32).fill(7))

    it('whose keys it did not sign', async () => {
      target().keys = { ...target().keys, keys: { ...objectAt(target().keys, 'keys'), 'curve25519:ALICE': own() } }
      await bridge.say('secret', [alice.userId])
      expect(receivedKeys()).to.have.length(0)
    })

    it('that claims to be another user’s, or another device', async () => {
      const mallory = await makeHuman(server, '@mallory:b', 'MALLORY')
      target().keys = server.device(mallory.userId, 'MALLORY').keys as JsonObject
      await bridge.say('secret', [alice.userId])
      expect(receivedKeys()).to.have.length(0)
    })

    it('that changed its identity keys, and goes on with those it knew', async () => {
      await bridge.say('one', [alice.userId])
      const known = String(objectAt(target().keys, 'keys')['curve25519:ALICE'])
      const unsigned: JsonObject = {
        user_id: alice.userId,
        device_id: 'ALICE',
        algorithms: [],
        keys: { 'ed25519:ALICE': signer.publicKey, 'curve25519:ALICE': own() },
      }
      target().keys = addSignature(unsigned, alice.userId, 'ed25519:ALICE', signer.sign(signedText(unsigned)))
      receivedKeys()
      bridge.pass(7 * 86_400_000)
      await bridge.transact([], [alice.userId])
      await bridge.say('two', [alice.userId])
      const keys = receivedKeys().flatMap((event) => Object.keys(objectAt(objectAt(event, 'content'), 'ciphertext')))
      expect(keys).to.deep.equal([known])
      expect(bridge.warnings.join()).to.match(/cannot change its keys/)
    })

    it('that bears the name of a cross-signing key', async () => {
      const eve = await makeAttacker(server, '@eve:b', signer.publicKey)
      await server.direct.uploadCrossSigning(eve.userId, {
        master_key: { user_id: eve.userId, usage: ['master'], keys: { [`ed25519:${signer.publicKey}`]: signer.publicKey } },
      })
      await bridge.say('secret', [eve.userId])
      expect(server.sent.filter(({ user }) => user === ghost)).to.have.length(0)
    })

    it('whose one-time key somebody else signed, and tries again later', async () => {
      const kept = [...target().oneTimeKeys]
      for (const [id, value] of kept) {
        const forged = { key: value.key as string }
        target().oneTimeKeys.set(id, addSignature(forged, alice.userId, 'ed25519:ALICE', signer.sign(signedText(forged))))
      }
      await bridge.say('secret', [alice.userId])
      expect(receivedKeys()).to.have.length(0)
      for (const [id, value] of kept) target().oneTimeKeys.set(id, value)
      bridge.pass(60_000)
      await bridge.say('secret', [alice.userId])
      expect(receivedKeys()).to.have.length(1)
    })
  })

  it('survives answers of a homeserver that are nonsense', async () => {
    const answers = [
      null,
      7,
      [],
      { device_keys: 7 },
      { device_keys: { '@alice:b': [1] } },
      { one_time_keys: { '@alice:b': { ALICE: { x: 1 } } } },
    ]
    const { queryKeys, claimKeys } = server.requests
    for (const answer of answers) {
      server.requests.queryKeys = async () => answer
      server.requests.claimKeys = async () => answer
      await bridge.transact([], [alice.userId])
      expect((await bridge.say('x', [alice.userId])).type).to.equal('m.room.encrypted')
    }
    Object.assign(server.requests, { queryKeys, claimKeys })
    await bridge.transact([], [alice.userId])
    await bridge.say('x', [alice.userId])
    expect(receivedKeys()).to.have.length(1)
  })

  it('refuses the malleable twin of a good signature', () => {
    const key = seedKey(new Uint8Array(32).fill(1))
    const object = { a: 1 }
    const signature = Buffer.from(key.sign(signedText(object)), 'base64')
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order
    const twin = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()])
    const signed = (bytes: Buffer) => addSignature(object, '@a:b', 'ed25519:X', bytes.toString('base64').replace(/=+$/, ''))
    expect(isSignedBy(signed(signature), '@a:b', 'ed25519:X', key.publicKey)).to.equal(true)
    expect(isSignedBy(signed(twin), '@a:b', 'ed25519:X', key.publicKey)).to.equal(false)
  })
})
