import { ShieldColor, ShieldStateCode, TrustRequirement } from '@matrix-org/matrix-sdk-crypto-wasm'
import { expect } from 'chai'
import { objectAt } from '../../../../bridges/kit/crypto/json.ts'
import { asEvent, type Bridge, bot, ghost, makeBridge, room } from './bridge.ts'
import { type Human, makeHuman } from './human.ts'
import { type KeyServer, makeKeyServer } from './key-server.ts'

const trusts = [TrustRequirement.Untrusted, TrustRequirement.CrossSignedOrLegacy, TrustRequirement.CrossSigned]

describe('encryption between the bridge and the Rust crypto of clients', () => {
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

  for (const trust of trusts) {
    it(`lets a client read a ghost as the ghost, under trust requirement ${TrustRequirement[trust]}`, async () => {
      const event = await bridge.say('ciao', [alice.userId])
      await alice.track([ghost])
      await alice.sync([ghost])
      const { event: clear, shield, device } = await alice.decrypt(room, event, trust)
      expect(objectAt(clear, 'content')).to.deep.equal({ msgtype: 'm.text', body: 'ciao' })
      expect(shield.color).to.equal(ShieldColor.None)
      expect(device).to.equal(bridge.crypto.device(ghost)?.deviceId)
    })
  }

  it('shows nothing but the unverified identity to a client that wants everybody verified', async () => {
    const event = await bridge.say('ciao', [alice.userId])
    await alice.track([ghost])
    await alice.sync([ghost])
    const { strict } = await alice.decrypt(room, event)
    expect(strict.code).to.equal(ShieldStateCode.UnverifiedIdentity)
  })

  it('reads a client, and knows the device and that its owner signed it', async () => {
    const content = await alice.encrypt(room, [alice.userId, bot], 'm.room.message', { body: 'hello' })
    const { roomKeys } = await bridge.transact([bot], [alice.userId])
    expect(roomKeys).to.deep.equal([{ roomId: room, sessionId: content.session_id, sender: alice.userId }])
    expect(bridge.crypto.decrypt(room, asEvent(alice.userId, content, '$1'))).to.deep.equal({
      kind: 'event',
      type: 'm.room.message',
      content: { body: 'hello' },
      sender: alice.userId,
      facts: { deviceId: 'ALICE', crossSigned: true, identityChanged: false },
    })
  })
})
