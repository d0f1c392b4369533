import { expect } from 'chai'
import type { Json, JsonObject } from '../../../../bridges/kit/crypto/json.ts'
import { loadOlm } from '../../../../bridges/kit/crypto/olm.ts'
import { makeAttacker } from './attacker.ts'
import { asEvent, type Bridge, bot, makeBridge, room } from './bridge.ts'
import { type Human, makeHuman } from './human.ts'
import { type KeyServer, makeKeyServer } from './key-server.ts'

type Attacker = Awaited<ReturnType<typeof makeAttacker>>

describe('an attacker who speaks Olm to the bot', () => {
  let server: KeyServer
  let bridge: Bridge
  let alice: Human
  let mallory: Attacker

  beforeEach(async () => {
    server = makeKeyServer()
    bridge = await makeBridge(server)
    alice = await makeHuman(server, '@alice:b', 'ALICE')
    await bridge.crypto.setUpIdentity(bot)
    mallory = await makeAttacker(server, '@mallory:b', 'MALLORY')
    await bridge.crypto.prefetch([mallory.userId, alice.userId])
  })
  afterEach(() => bridge.end())

  /** A Megolm session: its key, and a message with it at index 0. */
  const megolm = async () => {
    const olm = await loadOlm()
    const group = new olm.OutboundGroupSession()
    group.create()
    const key = { algorithm: 'm.megolm.v1.aes-sha2', room_id: room, session_id: group.session_id(), session_key: group.session_key() }
    const ciphertext = group.encrypt(JSON.stringify({ type: 'm.room.message', content: { body: 'x' }, room_id: room }))
    group.free()
    return { key, content: { algorithm: 'm.megolm.v1.aes-sha2', session_id: key.session_id, ciphertext } }
  }
  const give = async (lies: Record<string, Json | undefined>, sender?: string) => {
    const { key } = await megolm()
    const event = await mallory.olmEvent('m.room_key', key, lies, sender)
    return bridge.crypto.receiveTransaction({ toDevice: [event] }).roomKeys.length
  }

  it('is heard when honest', async () => {
    expect(await give({})).to.equal(1)
    expect(await give({ sender_device_keys: undefined })).to.equal(1)
  })

  it('is not heard when the plaintext names another sender, recipient, key or device', async () => {
    const others: Record<string, Json | undefined>[] = [
      { sender: alice.userId },
      { recipient: alice.userId },
      { recipient_keys: { ed25519: mallory.keys.ed25519 } },
      { recipient_keys: null },
      { keys: { ed25519: String(bridge.crypto.device(bot)?.signingKey) } },
      { keys: null },
      { keys: { ed25519: String(bridge.crypto.device(bot)?.signingKey) }, sender_device_keys: undefined },
      { sender_device_keys: server.device(alice.userId, 'ALICE').keys ?? null },
      { sender_device_keys: { ...mallory.deviceKeys, signatures: {} } },
      { sender_device_keys: 'x' },
      { type: 5 },
      { content: 'x' },
    ]
    for (const lies of others) expect(await give(lies), JSON.stringify(lies)).to.equal(0)
    expect(await give({ sender: alice.userId }, alice.userId)).to.equal(0)
  })

  it('cannot give a session under an id that is not its own', async () => {
    const { key } = await megolm()
    const { key: other } = await megolm()
    const event = await mallory.olmEvent('m.room_key', { ...key, session_id: other.session_id })
    expect(bridge.crypto.receiveTransaction({ toDevice: [event] }).roomKeys).to.deep.equal([])
  })

  it('can pass on a key of another, but opens nothing in their name and takes nothing from them', async () => {
    const { key, content } = await megolm()
    const bob = await makeAttacker(server, '@bob:b', 'BOB')
    const stolen = await mallory.olmEvent('m.room_key', key)
    const rightful = await bob.olmEvent('m.room_key', key)
    bridge.crypto.receiveTransaction({ toDevice: [stolen] })
    expect(bridge.crypto.decrypt(room, asEvent(bob.userId, content, '$1')).kind).to.equal('refused')
    bridge.crypto.receiveTransaction({ toDevice: [rightful] })
    const read = bridge.crypto.decrypt(room, asEvent(bob.userId, content, '$1'))
    expect(read.kind === 'event' ? read.sender : read.kind).to.equal(bob.userId)
  })

  it('cannot lie about the signing key of a device that is not known yet: the device list decides', async () => {
    const eve = await makeAttacker(server, '@eve:b', 'EVE')
    const { key, content } = await megolm()
    const lies = { keys: { ed25519: mallory.keys.ed25519 }, sender_device_keys: undefined }
    const { roomKeys } = bridge.crypto.receiveTransaction({ toDevice: [await eve.olmEvent('m.room_key', key, lies)] })
    expect(roomKeys).to.have.length(1)
    await bridge.crypto.idle()
    expect(bridge.crypto.decrypt(room, asEvent(eve.userId, content, '$1')).kind).to.equal('refused')
  })

  it('cannot take over a session with a second device, while the first may give it from an earlier index', async () => {
    const second = await makeAttacker(server, mallory.userId, 'SECOND')
    const olm = await loadOlm()
    const group = new olm.OutboundGroupSession()
    group.create()
    const key = () => ({
      algorithm: 'm.megolm.v1.aes-sha2',
      room_id: room,
      session_id: group.session_id(),
      session_key: group.session_key(),
    })
    const early = key()
    group.encrypt('x')
    const late = key()
    group.free()
    const give = async (from: Attacker, content: JsonObject) =>
      bridge.crypto.receiveTransaction({ toDevice: [await from.olmEvent('m.room_key', content)] }).roomKeys.length
    expect(await give(mallory, late)).to.equal(1)
    expect(await give(second, early)).to.equal(0)
    expect(await give(mallory, early)).to.equal(1)
    expect(await give(mallory, early)).to.equal(0)
    expect(await give(mallory, late)).to.equal(0)
  })

  it('cannot have a message read in a room for which it was not meant', async () => {
    const { key, content } = await megolm()
    const toDevice = [await mallory.olmEvent('m.room_key', key), await mallory.olmEvent('m.room_key', { ...key, room_id: '!other:b' })]
    expect(bridge.crypto.receiveTransaction({ toDevice }).roomKeys).to.have.length(2)
    expect(bridge.crypto.decrypt('!other:b', asEvent(mallory.userId, content, '$1')).kind).to.equal('refused')
    expect(bridge.crypto.decrypt(room, asEvent(mallory.userId, content, '$1')).kind).to.equal('event')
  })

  it('is not taken for cross-signed by a self-signing key that the master key did not sign', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    const selfSigning = server.crossSigning(alice.userId)?.self_signing_key as JsonObject
    Object.assign(server.crossSigning(alice.userId) ?? {}, { self_signing_key: { ...selfSigning, signatures: {} } })
    await bridge.transact([bot], [alice.userId])
    const read = bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1'))
    expect(read.kind === 'event' ? read.facts : read.kind).to.deep.equal({ deviceId: 'ALICE', crossSigned: false, identityChanged: false })
  })

  it('cannot replace the ratchet of a known session by another under the same id', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    await bridge.transact()
    const { key } = await megolm()
    const event = await mallory.olmEvent(
      'm.room_key',
      { ...key, session_id: content.session_id ?? '' },
      { sender: alice.userId },
      alice.userId,
    )
    bridge.crypto.receiveTransaction({ toDevice: [event] })
    expect(bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1')).kind).to.equal('event')
  })

  it('cannot forward keys that were not asked for, nor those of another’s session that were', async () => {
    const olm = await loadOlm()
    const { key, content } = await megolm()
    const inbound = new olm.InboundGroupSession()
    inbound.create(key.session_key)
    const forwarded = {
      ...key,
      session_key: inbound.export_session(0),
      sender_key: mallory.keys.curve25519,
      sender_claimed_ed25519_key: mallory.keys.ed25519,
      forwarding_curve25519_key_chain: [],
    }
    inbound.free()
    const send = async (more: JsonObject) => {
      const event = await mallory.olmEvent('m.forwarded_room_key', { ...forwarded, ...more })
      return bridge.crypto.receiveTransaction({ toDevice: [event] }).roomKeys.length
    }
    expect(await send({})).to.equal(0)
    bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1'))
    expect(await send({})).to.equal(0)
    bridge.crypto.decrypt(room, asEvent(mallory.userId, content, '$2'))
    expect(await send({ sender_key: bridge.crypto.device(bot)?.identityKey ?? '' })).to.equal(0)
    expect(await send({})).to.equal(1)
  })

  it('is seen to have changed identity, until that is accepted', async () => {
    const say = async (eventId: string) => {
      const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
      await bridge.transact([bot], [alice.userId])
      const read = bridge.crypto.decrypt(room, asEvent(alice.userId, content, eventId))
      return read.kind === 'event' ? read.facts : undefined
    }
    expect(await say('$1')).to.deep.equal({ deviceId: 'ALICE', crossSigned: true, identityChanged: false })
    await makeHuman(server, alice.userId, 'SECOND')
    bridge.crypto.receiveTransaction({ deviceLists: { changed: [], left: [alice.userId] } })
    bridge.crypto.onRoomMembers(room, [alice.userId])
    expect((await say('$2'))?.identityChanged).to.equal(true)
    bridge.crypto.acceptIdentity(alice.userId)
    expect((await say('$3'))?.identityChanged).to.equal(false)
  })
})
