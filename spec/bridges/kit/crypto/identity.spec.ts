import { DeviceId, UserId } from '@matrix-org/matrix-sdk-crypto-wasm'
import { expect } from 'chai'
import { objectAt } from '../../../../bridges/kit/crypto/json.ts'
import { isSignedBy } from '../../../../bridges/kit/crypto/signatures.ts'
import { type Bridge, bot, botDevice, ghost, makeBridge } from './bridge.ts'
import { makeHuman } from './human.ts'
import { type KeyServer, makeKeyServer } from './key-server.ts'

describe('identities of the bot and of ghosts', () => {
  let server: KeyServer
  let bridge: Bridge

  beforeEach(async () => {
    server = makeKeyServer()
    bridge = await makeBridge(server)
  })
  afterEach(() => bridge.end())

  for (const user of [bot, ghost]) {
    it(`show a chain from master over self-signing key to device: ${user}`, async () => {
      const { deviceId } = await bridge.crypto.setUpIdentity(user)
      const response = await server.direct.queryKeys('@alice:b', [user])
      const key = (name: string) => objectAt(objectAt(response, name), user)
      const publicKey = (name: string) => String(Object.values(objectAt(key(name), 'keys'))[0])
      const master = publicKey('master_keys')
      const selfSigning = publicKey('self_signing_keys')
      const device = objectAt(key('device_keys'), deviceId)
      expect(isSignedBy(key('self_signing_keys'), user, `ed25519:${master}`, master)).to.equal(true)
      expect(isSignedBy(device, user, `ed25519:${selfSigning}`, selfSigning)).to.equal(true)
    })

    it(`are accepted by the Rust crypto: ${user}`, async () => {
      const alice = await makeHuman(server, '@alice:b', 'ALICE')
      const { deviceId } = await bridge.crypto.setUpIdentity(user)
      await alice.track([user])
      const device = await alice.machine.getDevice(new UserId(user), new DeviceId(deviceId))
      expect(device?.isCrossSignedByOwner()).to.equal(true)
    })
  }

  it('give the bot the device that was named, and every ghost one of its own, with no one-time keys', async () => {
    const devices = await Promise.all([bot, ghost, '@ghost_2:b'].map((user) => bridge.crypto.setUpIdentity(user)))
    expect(devices[0]?.deviceId).to.equal(botDevice)
    expect(new Set(devices.map(({ deviceId }) => deviceId)).size).to.equal(3)
    expect(server.device(ghost, devices[1]?.deviceId ?? '').oneTimeKeys.size).to.equal(0)
  })

  it('let whoever sees the bot’s device reach it: its keys come in one request', async () => {
    server.fail('uploadCrossSigning', 'before')
    await bridge.crypto.setUpIdentity(bot).catch(() => undefined)
    expect(Object.keys(objectAt(await server.direct.queryKeys('@alice:b', [bot]), 'device_keys'))).to.deep.equal([bot])
    expect(server.device(bot, botDevice).oneTimeKeys.size).to.equal(50)
    expect(server.device(bot, botDevice).fallback).not.to.equal(undefined)
  })

  it('are made once, even when asked for side by side and after a restart', async () => {
    const [one, two] = await Promise.all([bridge.crypto.setUpIdentity(ghost), bridge.crypto.setUpIdentity(ghost)])
    await bridge.restart()
    server.calls.length = 0
    const three = await bridge.crypto.setUpIdentity(ghost)
    expect([two?.signingKey, three.signingKey]).to.deep.equal([one?.signingKey, one?.signingKey])
    expect(server.calls).to.deep.equal([])
  })

  it('hold when the process dies after any request: the next start uploads the same keys', async () => {
    for (const [n, method] of (['createDevice', 'uploadKeys', 'uploadCrossSigning', 'uploadSignatures'] as const).entries()) {
      const user = `@ghost_${n}:b`
      server.fail(method, 'after')
      await bridge.crypto.setUpIdentity(user).then(
        () => expect.fail('should reject'),
        () => undefined,
      )
      const before = { device: bridge.crypto.device(user)?.deviceKeys, crossSigning: server.crossSigning(user) }
      await bridge.restart()
      await bridge.crypto.setUpIdentity(user)
      expect(bridge.crypto.device(user)?.deviceKeys).to.deep.equal(before.device)
      if (before.crossSigning !== undefined) expect(server.crossSigning(user)).to.deep.equal(before.crossSigning)
    }
  })

  it('leave nothing readable in the database without the pickle key', async () => {
    await bridge.crypto.setUpIdentity(bot)
    const row = bridge.database.prepare('SELECT account, seeds FROM crypto_own_devices').get() as { account: Buffer; seeds: Buffer }
    expect(row.account.toString('latin1')).not.to.match(/[A-Za-z0-9+/]{100}/)
    expect(row.seeds.toString('latin1')).not.to.contain('master')
  })

  it('are gone when the user is forgotten', async () => {
    await bridge.say('x', [], { sender: ghost })
    bridge.crypto.forgetUser(ghost)
    const tables = ['crypto_own_devices', 'crypto_outbound_sessions', 'crypto_prepared', 'crypto_outgoing', 'crypto_outbound_keys']
    const rows = tables.map((table) => (bridge.database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n)
    expect(rows).to.deep.equal([0, 0, 0, 0, 0])
  })
})
