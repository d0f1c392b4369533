import { TrustRequirement } from '@matrix-org/matrix-sdk-crypto-wasm'
import { expect } from 'chai'
import { type JsonObject, objectAt } from '../../../../bridges/kit/crypto/json.ts'
import { makeAttacker } from './attacker.ts'
import { type Bridge, bot, ghost, makeBridge, room } from './bridge.ts'
import { type Human, makeHuman } from './human.ts'
import { type KeyServer, makeKeyServer } from './key-server.ts'

const day = 86_400_000

describe('encrypting as a ghost', () => {
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

  const read = async (human: Human, event: JsonObject) => {
    await human.track([ghost])
    await human.sync([ghost])
    const { event: clear } = await human.decrypt(room, event, TrustRequirement.CrossSigned)
    return objectAt(clear, 'content').body
  }
  const session = (event: JsonObject) => objectAt(event, 'content').session_id
  const keysSent = () => server.sent.filter((request) => request.type === 'm.room.encrypted')

  it('keeps one session for many messages and sends its key once', async () => {
    const events = [await bridge.say('one', [alice.userId]), await bridge.say('two', [alice.userId])]
    expect(new Set(events.map(session)).size).to.equal(1)
    expect(keysSent()).to.have.length(1)
    expect(await read(alice, events[0] as JsonObject)).to.equal('one')
    expect(await read(alice, events[1] as JsonObject)).to.equal('two')
  })

  it('gives the same bytes for the same transaction id, across restarts and whatever the content', async () => {
    const first = await bridge.say('one', [alice.userId], { txnId: 'same' })
    await bridge.restart()
    const second = await bridge.say('another', [alice.userId], { txnId: 'same' })
    expect(JSON.stringify(second)).to.equal(JSON.stringify(first))
  })

  it('goes on in the same session after a restart, never using an index twice', async () => {
    const events = []
    for (const text of ['one', 'two', 'three']) {
      events.push(await bridge.say(text, [alice.userId]))
      await bridge.restart()
    }
    expect(new Set(events.map(session)).size).to.equal(1)
    expect(events.map(messageIndex)).to.deep.equal([0, 1, 2])
    expect(await Promise.all(events.map((event) => read(alice, event)))).to.deep.equal(['one', 'two', 'three'])
  })

  it('keeps the order of messages that are encrypted side by side', async () => {
    const texts = Array.from({ length: 20 }, (_, n) => `message ${n}`)
    const events = await Promise.all(texts.map((text) => bridge.say(text, [alice.userId])))
    expect(keysSent()).to.have.length(1)
    for (const [n, event] of events.entries()) expect(await read(alice, event)).to.equal(texts[n])
  })

  it('leaves the relation readable for the server, and only there', async () => {
    const relation = { rel_type: 'm.thread', event_id: '$root' }
    const { content } = await bridge.crypto.encrypt({
      sender: ghost,
      roomId: room,
      recipients: [alice.userId],
      type: 'm.room.message',
      content: { body: 'in thread', 'm.relates_to': relation },
      txnId: 't',
      cleartext: { 'org.tombolo.franking': { v: 1 }, algorithm: 'never this' },
    })
    expect(content['m.relates_to']).to.deep.equal(relation)
    expect(content['org.tombolo.franking']).to.deep.equal({ v: 1 })
    expect(content.algorithm).to.equal('m.megolm.v1.aes-sha2')
  })

  describe('replaces the session', () => {
    it('after as many messages as the room allows', async () => {
      const encryption = { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_msgs: 3 }
      const events = []
      for (let n = 0; n < 7; n++) events.push(await bridge.say(`message ${n}`, [alice.userId], { encryption }))
      const sessions = events.map(session)
      expect(new Set(sessions.slice(0, 3)).size).to.equal(1)
      expect(new Set(sessions).size).to.equal(3)
      expect(await read(alice, events[6] as JsonObject)).to.equal('message 6')
    })

    it('after a hundred messages where the room says nothing, or nonsense', async () => {
      const encryption = { rotation_period_msgs: 'many', rotation_period_ms: -1 }
      const sessions = []
      for (let n = 0; n < 101; n++) sessions.push(session(await bridge.say('x', [alice.userId], { encryption })))
      expect(new Set(sessions.slice(0, 100)).size).to.equal(1)
      expect(sessions[100]).not.to.equal(sessions[0])
    })

    it('after a week', async () => {
      const before = session(await bridge.say('one', [alice.userId]))
      bridge.pass(7 * day - 1)
      expect(session(await bridge.say('two', [alice.userId]))).to.equal(before)
      bridge.pass(1)
      expect(session(await bridge.say('three', [alice.userId]))).not.to.equal(before)
    })

    it('when a recipient is gone, who cannot read on', async () => {
      const bob = await makeHuman(server, '@bob:b', 'BOB')
      const before = await bridge.say('for both', [alice.userId, bob.userId])
      const after = await bridge.say('for alice', [alice.userId])
      expect(await read(bob, before)).to.equal('for both')
      expect(await read(alice, after)).to.equal('for alice')
      expect(await rejection(read(bob, after))).to.match(/room key/)
    })

    it('when a member left between two messages, though back again', async () => {
      bridge.crypto.onRoomMembers(room, [alice.userId, '@bob:b'])
      const before = session(await bridge.say('one', [alice.userId]))
      bridge.crypto.onRoomMembers(room, [alice.userId])
      bridge.crypto.onRoomMembers(room, [alice.userId, '@bob:b'])
      expect(session(await bridge.say('two', [alice.userId]))).not.to.equal(before)
    })

    it('when a device was removed', async () => {
      await makeHuman(server, alice.userId, 'SECOND')
      const before = session(await bridge.say('one', [alice.userId]))
      server.removeDevice(alice.userId, 'SECOND')
      await bridge.transact([], [alice.userId])
      expect(session(await bridge.say('two', [alice.userId]))).not.to.equal(before)
    })

    it('when the history visibility decides otherwise on sharing, and says which it is', async () => {
      const request = { sender: ghost, roomId: room, recipients: [alice.userId], type: 'm.room.message', content: {} }
      const joined = await bridge.crypto.encrypt({ ...request, txnId: '1', historyVisibility: 'joined' })
      const shared = await bridge.crypto.encrypt({ ...request, txnId: '2', historyVisibility: 'shared' })
      expect(shared.content.session_id).not.to.equal(joined.content.session_id)
    })
  })

  it('gives a device that came later the key from there on only', async () => {
    const before = await bridge.say('before', [alice.userId])
    const bob = await makeHuman(server, '@bob:b', 'BOB')
    const after = await bridge.say('after', [alice.userId, bob.userId])
    expect(session(after)).to.equal(session(before))
    expect(await read(bob, after)).to.equal('after')
    expect(await rejection(read(bob, before))).to.match(/index|ratchet/i)
  })

  /** Somebody whose device has no keys to begin with until they are brought back. */
  async function outOfReach() {
    const bob = await makeHuman(server, '@bob:b', 'BOB')
    const target = server.device('@bob:b', 'BOB')
    const { fallback } = target
    const kept = new Map(target.oneTimeKeys)
    target.oneTimeKeys.clear()
    delete target.fallback
    const back = () => {
      for (const [id, key] of kept) target.oneTimeKeys.set(id, key)
      if (fallback !== undefined) target.fallback = fallback
    }
    return { bob, target, back }
  }

  it('tells a device without one-time keys so, once, and gives it the key from where it should have had it when it has some', async () => {
    const { bob, target, back } = await outOfReach()
    const zero = await bridge.say('zero', [alice.userId])
    const one = await bridge.say('one', [bob.userId, alice.userId])
    bridge.pass(60_000)
    const two = await bridge.say('two', [bob.userId, alice.userId])
    const withheld = target.inbox.filter((event) => event.type === 'm.room_key.withheld')
    expect(withheld.map((event) => objectAt(event, 'content').code)).to.deep.equal(['m.no_olm'])
    expect(objectAt(withheld[0], 'content')).not.to.have.any.keys('room_id', 'session_id')
    back()
    bridge.pass(3_600_000)
    const three = await bridge.say('three', [bob.userId, alice.userId])
    for (const [event, text] of [
      [three, 'three'],
      [one, 'one'],
      [two, 'two'],
    ] as const)
      expect(await read(bob, event)).to.equal(text)
    expect(await rejection(read(bob, zero))).to.match(/index|ratchet/i)
  })

  it('gives it to such a device without a further message, once it may be tried again', async () => {
    const { bob, back } = await outOfReach()
    const one = await bridge.say('one', [bob.userId])
    back()
    await bridge.crypto.upkeep()
    expect(keysSent()).to.have.length(0)
    bridge.pass(5000)
    await bridge.crypto.upkeep()
    expect(await read(bob, one)).to.equal('one')
    await bridge.crypto.upkeep()
    expect(keysSent()).to.have.length(1)
  })

  it('gives it to such a device at once when that asks for it', async () => {
    const { bob, back } = await outOfReach()
    const one = await bridge.say('one', [bob.userId])
    back()
    const body = { algorithm: 'm.megolm.v1.aes-sha2', room_id: room, session_id: session(one) }
    const content = { action: 'request', request_id: 'r', requesting_device_id: 'BOB', body }
    const to = { to_user_id: ghost, to_device_id: bridge.crypto.device(ghost)?.deviceId ?? '' }
    bridge.crypto.receiveTransaction({ toDevice: [{ type: 'm.room_key_request', sender: bob.userId, content, ...to }] })
    await bridge.crypto.idle()
    expect(await read(bob, one)).to.equal('one')
  })

  it('speaks to any number of devices before it answers, a hundred in a request', async () => {
    const ids = Array.from({ length: 120 }, (_, n) => `DEVICE${n}`)
    for (const id of ids) await makeAttacker(server, '@many:b', id)
    await bridge.say('one', ['@many:b'])
    const told = ids.filter((id) => server.takeInbox('@many:b', id).some(({ type }) => type === 'm.room_key.withheld'))
    expect(told).to.have.length(120)
    expect(server.sent).to.have.length(2)
  })

  describe('when the connection or the process breaks', () => {
    for (const when of ['before', 'after'] as const) {
      it(`sends the stored key again, the same bytes under the same id, when a sending broke off ${when} the server had it`, async () => {
        server.fail('sendToDevice', when)
        expect(await rejection(bridge.say('one', [alice.userId], { txnId: 't' }))).to.match(/sendToDevice/)
        const stored = bridge.database.prepare('SELECT txn_id, messages FROM crypto_outgoing').all() as {
          txn_id: string
          messages: string
        }[]
        await bridge.restart()
        const event = await bridge.say('one', [alice.userId], { txnId: 't' })
        expect(keysSent().map(({ txnId, bytes }) => [txnId, bytes])).to.deep.equal(
          Array.from({ length: when === 'after' ? 2 : 1 }, () => [stored[0]?.txn_id, stored[0]?.messages]),
        )
        expect(await read(alice, event)).to.equal('one')
      })
    }

    for (const method of ['createDevice', 'uploadKeys', 'uploadCrossSigning', 'uploadSignatures', 'queryKeys', 'claimKeys'] as const) {
      it(`goes on after ${method} failed, with the identity it had made`, async () => {
        server.fail(method, 'after')
        expect(await rejection(bridge.say('one', [alice.userId]))).to.match(new RegExp(method))
        const device = bridge.crypto.device(ghost)
        await bridge.restart()
        expect(await read(alice, await bridge.say('one', [alice.userId]))).to.equal('one')
        expect(bridge.crypto.device(ghost)?.signingKey).to.equal(device?.signingKey)
      })
    }

    it('does not advance the ratchet when the store fails, and uses the index later', async () => {
      await bridge.say('one', [alice.userId])
      bridge.database.exec("CREATE TRIGGER full BEFORE INSERT ON crypto_prepared BEGIN SELECT RAISE(ABORT, 'disk full'); END")
      expect(await rejection(bridge.say('lost', [alice.userId]))).to.match(/disk full/)
      bridge.database.exec('DROP TRIGGER full')
      const event = await bridge.say('two', [alice.userId])
      expect(messageIndex(event)).to.equal(1)
      expect(await read(alice, event)).to.equal('two')
    })
  })

  it('lets a hundred ghosts speak in one room, each with its own cross-signed device, asking for devices once', async () => {
    const ghosts = Array.from({ length: 100 }, (_, n) => `@ghost_${n}:b`)
    server.calls.length = 0
    const events = await Promise.all(ghosts.map((sender) => bridge.say(sender, [alice.userId, bot, ...ghosts], { sender })))
    expect(server.calls.filter((name) => name === 'queryKeys').length).to.be.lessThan(5)
    await alice.track(ghosts)
    await alice.sync(ghosts)
    for (const [n, event] of events.entries()) {
      const { event: clear, device } = await alice.decrypt(room, event, TrustRequirement.CrossSigned)
      expect(objectAt(clear, 'content').body).to.equal(ghosts[n])
      expect(device).to.equal(bridge.crypto.device(ghosts[n] as string)?.deviceId)
    }
  })
})

/** The index in a Megolm message: https://spec.matrix.org/v1.19/olm-megolm/megolm/#message-format */
function messageIndex(event: JsonObject): number {
  const [version, tag, index = 255] = Buffer.from(String(objectAt(event, 'content').ciphertext), 'base64')
  expect([version, tag]).to.deep.equal([3, 8])
  expect(index).to.be.lessThan(128)
  return index
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no rejection',
    (error: unknown) => (error instanceof Error ? error.message : String((error as { description?: string }).description ?? error)),
  )
}
