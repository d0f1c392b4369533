import { type ProcessedToDeviceEventType, RoomId } from '@matrix-org/matrix-sdk-crypto-wasm'
import { expect } from 'chai'
import { type JsonObject, objectAt } from '../../../../bridges/kit/crypto/json.ts'
import { asEvent, type Bridge, bot, botDevice, ghost, makeBridge, room } from './bridge.ts'
import { type Human, makeHuman } from './human.ts'
import { type KeyServer, makeKeyServer } from './key-server.ts'

const hour = 3_600_000

describe('receiving for the bridge', () => {
  let server: KeyServer
  let bridge: Bridge
  let alice: Human

  beforeEach(async () => {
    server = makeKeyServer()
    bridge = await makeBridge(server)
    alice = await makeHuman(server, '@alice:b', 'ALICE')
    await bridge.crypto.setUpIdentity(bot)
    bridge.crypto.onRoomMembers(room, [alice.userId, bot])
  })
  afterEach(() => bridge.end())

  const body = (content: JsonObject, eventId: string, sender = alice.userId) => {
    const result = bridge.crypto.decrypt(room, asEvent(sender, content, eventId))
    return result.kind === 'event' ? result.content.body : result.kind
  }
  const count = (table: string) => (bridge.database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
  const dummies = (events: { kind: ProcessedToDeviceEventType; raw: JsonObject }[]) =>
    events.filter(({ raw }) => raw.type === 'm.dummy').length

  it('goes on after a restart between every step', async () => {
    const first = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    await bridge.restart()
    await bridge.transact()
    await bridge.restart()
    expect(body(first, '$1')).to.equal('one')
    await alice.machine.invalidateGroupSession(new RoomId(room))
    const second = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'two' })
    await bridge.restart()
    await bridge.transact()
    await bridge.restart()
    expect(body(second, '$2')).to.equal('two')
  })

  it('does nothing at all when the caller’s mark fails, and everything when it is tried again', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    const toDevice = server.takeInbox(bot, botDevice)
    const fail = () => {
      throw new Error('no mark')
    }
    expect(() => bridge.crypto.receiveTransaction({ toDevice }, fail)).to.throw('no mark')
    expect(count('crypto_inbound_sessions') + count('crypto_olm_sessions') + count('crypto_seen_messages')).to.equal(0)
    let inside = false
    bridge.crypto.receiveTransaction({ toDevice }, () => {
      inside = bridge.database.inTransaction
    })
    expect(inside).to.equal(true)
    expect(body(content, '$1')).to.equal('one')
  })

  it('takes a to-device event that is delivered twice once, and mends nothing because of it', async () => {
    await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    await bridge.crypto.prefetch([alice.userId])
    const toDevice = server.takeInbox(bot, botDevice)
    const first = bridge.crypto.receiveTransaction({ toDevice })
    const again = bridge.crypto.receiveTransaction({ toDevice: [...toDevice, ...toDevice] })
    await bridge.crypto.idle()
    expect([first.roomKeys.length, again.roomKeys.length]).to.deep.equal([1, 0])
    expect([count('crypto_olm_sessions'), count('crypto_wedged')]).to.deep.equal([1, 0])
  })

  it('refuses the same message index in another event, and reads the same event again', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    await bridge.transact()
    expect([body(content, '$1'), body(content, '$1'), body(content, '$2')]).to.deep.equal(['one', 'one', 'refused'])
    await bridge.restart()
    expect(body(content, '$2')).to.equal('refused')
  })

  it('refuses an event under another sender, and one moved to another room', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    await bridge.transact()
    expect(body(content, '$1', '@mallory:b')).to.equal('refused')
    expect(bridge.crypto.decrypt('!other:b', asEvent(alice.userId, content, '$1')).kind).to.equal('missing')
  })

  it('says that a key is missing, asks its sender once, and takes the answer of the device whose session it is', async () => {
    await bridge.say('a session between the two', [alice.userId], { sender: bot })
    await alice.track([bot])
    await alice.sync()
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
    server.takeInbox(bot, botDevice)
    expect(bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1'))).to.deep.equal({
      kind: 'missing',
      sessionId: content.session_id,
    })
    bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1'))
    await bridge.crypto.idle()
    expect(server.sent.filter(({ type }) => type === 'm.room_key_request')).to.have.length(1)
    await alice.sync()
    await alice.pump()
    const { roomKeys } = await bridge.transact()
    expect(roomKeys).to.have.length(1)
    expect(body(content, '$1')).to.equal('one')
  })

  it('takes a key that a client also gives to the device of a ghost as one key', async () => {
    await bridge.say('a session between the two', [alice.userId])
    await alice.track([ghost])
    await alice.sync()
    const content = await alice.encrypt(room, [alice.userId, bot, ghost], 'm.room.message', { body: 'one' })
    const { roomKeys } = await bridge.transact([ghost, bot])
    expect(roomKeys).to.have.length(1)
    expect(body(content, '$1')).to.equal('one')
    expect(bridge.warnings).to.deep.equal([])
  })

  it('tells with which code a key is withheld', async () => {
    const content = { algorithm: 'm.megolm.v1.aes-sha2', room_id: room, session_id: 'S', code: 'm.unverified' }
    const withheld = { type: 'm.room_key.withheld', sender: alice.userId, to_user_id: bot, to_device_id: botDevice, content }
    bridge.crypto.receiveTransaction({ toDevice: [withheld] })
    const event = asEvent(alice.userId, { algorithm: 'm.megolm.v1.aes-sha2', session_id: 'S', ciphertext: 'x' }, '$1')
    expect(bridge.crypto.decrypt(room, event)).to.deep.equal({ kind: 'missing', sessionId: 'S', withheld: 'm.unverified' })
  })

  describe('one-time keys', () => {
    const target = () => server.device(bot, botDevice)

    it('are fifty after the start, with a fallback key, all signed by the device', () => {
      expect(target().oneTimeKeys.size).to.equal(50)
      expect(target().fallback?.[1].fallback).to.equal(true)
    })

    it('are made up to fifty again when few are left, and not when enough are', async () => {
      for (const id of [...target().oneTimeKeys.keys()].slice(0, 20)) target().oneTimeKeys.delete(id)
      await bridge.transact()
      expect(target().oneTimeKeys.size).to.equal(30)
      for (const id of [...target().oneTimeKeys.keys()].slice(0, 20)) target().oneTimeKeys.delete(id)
      await bridge.transact()
      expect(target().oneTimeKeys.size).to.equal(50)
    })

    it('are never given out twice: what is uploaded in place of used ones is new', async () => {
      const used = new Set([...target().oneTimeKeys.values()].map(({ key }) => key))
      target().oneTimeKeys.clear()
      await bridge.transact()
      expect([...target().oneTimeKeys.values()].filter(({ key }) => used.has(key ?? null))).to.deep.equal([])
      expect(target().oneTimeKeys.size).to.equal(50)
    })

    it('are destroyed when they were used: nobody can read that message again, whatever else is lost', async () => {
      await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
      const toDevice = server.takeInbox(bot, botDevice)
      expect(bridge.crypto.receiveTransaction({ toDevice }).roomKeys).to.have.length(1)
      await bridge.restart()
      for (const table of ['seen_messages', 'olm_sessions', 'inbound_sessions']) bridge.database.exec(`DELETE FROM crypto_${table}`)
      expect(bridge.crypto.receiveTransaction({ toDevice }).roomKeys).to.have.length(0)
    })

    it('are uploaded the same again when the answer to an upload was lost', async () => {
      target().oneTimeKeys.clear()
      server.fail('uploadKeys', 'before')
      await bridge.transact()
      expect(target().oneTimeKeys.size).to.equal(0)
      await bridge.restart()
      await bridge.crypto.upkeep()
      expect(target().oneTimeKeys.size).to.equal(50)
      await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'one' })
      expect((await bridge.transact()).roomKeys).to.have.length(1)
    })

    it('that ran out are stood in for by the fallback key, which is replaced within the hour', async () => {
      target().oneTimeKeys.clear()
      const used = target().fallback?.[0]
      const humans = [alice, await makeHuman(server, '@bob:b', 'BOB'), await makeHuman(server, '@carol:b', 'CAROL')]
      for (const [n, human] of humans.entries()) {
        if (n === 2) bridge.pass(hour)
        const content = await human.encrypt(room, [human.userId, bot], 'm.room.message', { body: human.userId })
        target().oneTimeKeys.clear()
        await bridge.transact([bot], [human.userId])
        target().oneTimeKeys.clear()
        expect(body(content, `$${n}`, human.userId)).to.equal(human.userId)
      }
      expect(target().fallback?.[0]).not.to.equal(used)
    })
  })

  describe('a broken Olm session', () => {
    const breakSession = async () => {
      await bridge.say('hello', [alice.userId], { sender: bot })
      await alice.track([bot])
      await alice.sync()
      bridge.database.exec('DELETE FROM crypto_olm_sessions')
      await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'lost' })
    }

    it('is replaced by a new one that the other side is told of, once an hour', async () => {
      await breakSession()
      await bridge.transact()
      expect(dummies(await alice.sync())).to.equal(1)
      const message = server.sent.length
      for (const pause of [0, hour - 1]) {
        bridge.pass(pause)
        await alice.machine.invalidateGroupSession(new RoomId(room))
        const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: `after ${pause}` })
        await bridge.transact()
        expect(body(content, `$${pause}`)).to.equal(`after ${pause}`)
      }
      expect(server.sent.slice(message).filter(({ user }) => user === bot)).to.have.length(0)
    })

    it('is replaced when a message on it is damaged, and within the hour only once', async () => {
      await bridge.say('hello', [alice.userId], { sender: bot })
      await alice.track([bot])
      await alice.sync()
      const damaged = async () => {
        await alice.machine.invalidateGroupSession(new RoomId(room))
        await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'lost' })
        const [event] = server.takeInbox(bot, botDevice)
        const content = objectAt(event, 'content')
        const [key = '', message] = Object.entries(objectAt(content, 'ciphertext'))[0] ?? []
        const body = `${String(objectAt({ message: message ?? null }, 'message').body).slice(0, -4)}AAAA`
        const ciphertext = { [key]: { ...objectAt(content.ciphertext, key), body } }
        bridge.crypto.receiveTransaction({ toDevice: [{ ...event, content: { ...content, ciphertext } }] })
        await bridge.crypto.idle()
        return dummies(await alice.sync())
      }
      expect(await damaged()).to.equal(1)
      expect(count('crypto_olm_sessions')).to.equal(2)
      bridge.pass(hour - 1)
      expect(await damaged()).to.equal(0)
      bridge.pass(1)
      expect(await damaged()).to.equal(1)
    })

    it('is replaced after a restart when the claim did not get through', async () => {
      await breakSession()
      server.fail('claimKeys', 'before')
      await bridge.transact()
      expect(dummies(await alice.sync())).to.equal(0)
      await bridge.restart()
      await bridge.crypto.upkeep()
      expect(dummies(await alice.sync())).to.equal(1)
    })
  })

  describe('a request for a key of ours', () => {
    const ask = async (event: JsonObject, sender: string, device: string) => {
      const { session_id } = objectAt(event, 'content')
      const content = {
        action: 'request',
        body: { algorithm: 'm.megolm.v1.aes-sha2', room_id: room, session_id: session_id ?? '' },
        request_id: 'r',
        requesting_device_id: device,
      }
      const own = bridge.crypto.device(ghost)
      const to = { to_user_id: ghost, to_device_id: own?.deviceId ?? '' }
      server.sent.length = 0
      bridge.crypto.receiveTransaction({ toDevice: [{ type: 'm.room_key_request', sender, content, ...to }] })
      await bridge.crypto.idle()
      return server.sent.filter(({ user }) => user === ghost).length
    }

    it('is answered over a new session to a device that was given it, once an hour', async () => {
      const event = await bridge.say('one', [alice.userId])
      server.takeInbox(alice.userId, 'ALICE')
      expect(await ask(event, alice.userId, 'ALICE')).to.equal(1)
      expect(await ask(event, alice.userId, 'ALICE')).to.equal(0)
      await alice.track([ghost])
      await alice.sync()
      expect(objectAt((await alice.decrypt(room, event)).event, 'content').body).to.equal('one')
      bridge.pass(hour)
      expect(await ask(event, alice.userId, 'ALICE')).to.equal(1)
    })

    it('is not answered to anybody else', async () => {
      await makeHuman(server, '@mallory:b', 'MALLORY')
      const event = await bridge.say('one', [alice.userId])
      expect(await ask(event, '@mallory:b', 'MALLORY')).to.equal(0)
      expect(await ask(event, '@mallory:b', 'ALICE')).to.equal(0)
      expect(await ask(event, alice.userId, 'OTHER')).to.equal(0)
    })
  })
})
