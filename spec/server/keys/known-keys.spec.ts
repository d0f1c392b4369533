import { expect } from 'chai'
import { insertCrossSigningKey, upsertSignature } from '../../../server/keys/cross-signing.store.ts'
import { keys } from '../../../server/keys/index.ts'
import { knownKeys } from '../../../server/keys/known-keys.ts'
import { uploadKeys } from '../../../server/keys/upload-keys.ts'
import { insertDevice } from '../../../server/people/devices.store.ts'
import { listDevicesOf } from '../../../server/people/devices.ts'
import type { Tools } from '../../../server/slice.ts'
import { write } from '../../../server/storage/database.ts'
import { crossSigningKeysOf, deviceKeysOf, signAs } from '../../support/device-keys.ts'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'

const alice = '@alice:hs.test'

forEachEngine('knownKeys', (open, engine) => {
  const known = (opened: Opened, most?: number) =>
    knownKeys({ home: { ...opened, serverName: 'hs.test' }, people: { devicesOf: (userIds) => listDevicesOf(opened, userIds) } }, most)
  const addDevice = async (opened: Opened, deviceId: string) => {
    await opened.database.commit({ writes: [write(insertDevice, alice, deviceId, null, 0)] })
    await uploadKeys(opened, { userId: alice, deviceId }, { device_keys: deviceKeysOf({ userId: alice, deviceId }).json })
  }

  it('tells of a device as soon as its keys were uploaded, by whichever process', async () => {
    const first = await open()
    // Two processes share PostgreSQL; a SQLite file has one.
    const second = engine === 'postgres' ? await open() : first
    const known1 = known(first)
    const known2 = known(second)
    for (const deviceId of ['A', 'B', 'C']) {
      await Promise.all([known1([alice]), known2([alice])])
      await addDevice(second, deviceId)
      for (const read of [known1, known2]) expect([...(await read([alice]))[0]!.devices.keys()]).to.include(deviceId)
    }
  })

  it('no longer tells of the signatures of a device once it is forgotten', async () => {
    const opened = await open()
    await addDevice(opened, 'A')
    const { master } = crossSigningKeysOf(alice)
    await opened.database.commit({
      writes: [
        write(insertCrossSigningKey, alice, 'master', master.text, '{}'),
        write(upsertSignature, alice, master.text, alice, 'ed25519:A', 'signature'),
      ],
    })
    const read = known(opened)
    const signatures = async () => (await read([alice]))[0]?.master?.key['signatures']
    expect(await signatures()).to.deep.equal({ [alice]: { 'ed25519:A': 'signature' } })
    await keys({ home: opened } as Tools).forget?.device?.(alice, 'A')
    expect(await signatures()).to.deep.equal({})
  })

  it('answers the same when it may keep nothing', async () => {
    const opened = await open()
    await addDevice(opened, 'A')
    const kept = known(opened)
    const forgetful = known(opened, 0)
    const asked = [alice, '@nobody:hs.test'] as const
    for (let times = 0; times < 2; times++) expect(await forgetful(asked)).to.deep.equal(await kept(asked))
  })

  it('reads users whose keys did not change once', async () => {
    const opened = await open()
    await addDevice(opened, 'A')
    const read = known(opened)
    expect((await read([alice]))[0]).to.equal((await read([alice]))[0])
  })
})

for (const engine of engines) describe(`key queries on ${engine}`, () => declareQueries(engine))

function declareQueries(engine: Engine): void {
  let server: TestServer
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())

  const query = async (by: TestUser, of: TestUser) => (await by.post('/keys/query', { device_keys: { [of.userId]: [] } })).body
  const done = async (reply: Promise<{ status: number; body: object }>) => {
    const { status, body } = await reply
    expect(status, JSON.stringify(body)).to.equal(200)
  }

  it('tell everybody at once of what changed since they were asked before', async () => {
    const [anna, ben] = [await server.register('anna'), await server.register('ben')]
    const { body, master, selfSigning } = crossSigningKeysOf(anna.userId)
    const device = deviceKeysOf(anna)
    const signedByDevice = signAs(body.master_key, anna.userId, anna.deviceId, device.key)
    const signedDevice = signAs(device.json, anna.userId, selfSigning.text, selfSigning)
    const phone = await secondDeviceOf(server, anna)
    const states: unknown[] = []
    const changes = [
      () => anna.post('/keys/upload', { device_keys: device.json }),
      () => anna.put(`/devices/${anna.deviceId}`, { display_name: 'Desk' }),
      () => anna.post('/keys/device_signing/upload', body),
      () => anna.post('/keys/signatures/upload', { [anna.userId]: { [master.text]: signedByDevice } }),
      () => anna.post('/keys/signatures/upload', { [anna.userId]: { [anna.deviceId]: signedDevice } }),
      () => phone.post('/keys/upload', { device_keys: deviceKeysOf(phone).json }),
      () => anna.post('/logout'),
    ]
    for (const change of changes) {
      await query(ben, anna)
      await done(change())
      const { device_keys: devices, master_keys: masters } = await query(ben, anna)
      states.push([devices[anna.userId], masters[anna.userId]?.signatures[anna.userId] ?? null])
    }
    const named = { ...device.json, unsigned: { device_display_name: 'Desk' } }
    const byDevice = signedByDevice.signatures[anna.userId]
    const trusted = { ...named, signatures: { [anna.userId]: { ...(signedDevice.signatures[anna.userId] as object) } } }
    const other = { ...deviceKeysOf(phone).json, unsigned: {} }
    expect(states).to.deep.equal([
      [{ [anna.deviceId]: { ...device.json, unsigned: {} } }, null],
      [{ [anna.deviceId]: named }, null],
      [{ [anna.deviceId]: named }, null],
      [{ [anna.deviceId]: named }, byDevice],
      [{ [anna.deviceId]: trusted }, byDevice],
      [{ [anna.deviceId]: trusted, [phone.deviceId]: other }, byDevice],
      [{ [phone.deviceId]: other }, null],
    ])
  })

  it('show a signature on the master key of another to its signer alone, on the key that was signed', async () => {
    const [carl, dora, emil] = [await server.register('carl'), await server.register('dora'), await server.register('emil')]
    const [of, to] = [crossSigningKeysOf(carl.userId), crossSigningKeysOf(dora.userId)]
    await done(carl.post('/keys/device_signing/upload', of.body))
    await done(dora.post('/keys/device_signing/upload', to.body))
    const signers = async (by: TestUser) => Object.keys((await query(by, dora))['master_keys'][dora.userId].signatures)
    expect(await signers(carl)).to.deep.equal([])
    const signed = signAs(to.body.master_key, carl.userId, of.userSigning.text, of.userSigning)
    await done(carl.post('/keys/signatures/upload', { [dora.userId]: { [to.master.text]: signed } }))
    expect([await signers(carl), await signers(emil), await signers(dora)]).to.deep.equal([[carl.userId], [], []])
    expect(Object.keys((await query(carl, carl))['user_signing_keys'])).to.deep.equal([carl.userId])
    expect((await query(emil, carl))['user_signing_keys']).to.deep.equal({})
  })
}

async function secondDeviceOf({ server, as }: TestServer, user: TestUser): Promise<TestUser> {
  const of = { userId: user.userId, deviceId: 'PHONE', displayName: undefined, refreshable: false }
  const { accessToken } = await server.people.createSession(of)
  return { ...user, ...as(accessToken), token: accessToken, deviceId: 'PHONE' }
}
