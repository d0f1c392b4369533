import { expect } from 'chai'
import { crossSigningKeysOf, deviceKeysOf, oneTimeKeysOf } from '../../support/device-keys.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { type Engine, engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`keys that other servers ask for on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let people = 0
  before(async function () {
    const started = await startServerWithPeers(1, { engine })
    if (!started) return this.skip()
    among = started
    peer = started.peers[0]!
  })
  after(() => among?.close())
  beforeEach(async () => {
    alice = await among.server.register(`alice${++people}`)
  })

  const ask = (path: string, content?: object) =>
    peer.ask(among.server, content ? 'POST' : 'GET', `/_matrix/federation/v1/user${path}`, content as never)
  const devicesOf = (userId: string) => ask(`/devices/${encodeURIComponent(userId)}`)
  const upload = async (user: TestUser) => {
    await user.put(`/devices/${user.deviceId}`, { display_name: 'A telling name' })
    const { json } = deviceKeysOf(user)
    expect((await user.post('/keys/upload', { device_keys: json })).status).to.equal(200)
    return json
  }
  const uploadCrossSigning = async (user: TestUser) => {
    const { body } = crossSigningKeysOf(user.userId)
    expect((await user.post('/keys/device_signing/upload', body)).status).to.equal(200)
    return body
  }

  it('are told without names of devices and without user-signing keys', async () => {
    const json = await upload(alice)
    const { master_key, self_signing_key, user_signing_key } = await uploadCrossSigning(alice)
    const { status, body, text } = await ask('/keys/query', { device_keys: { [alice.userId]: [] } })
    expect(status).to.equal(200)
    expect(Object.keys(body).sort()).to.deep.equal(['device_keys', 'master_keys', 'self_signing_keys'])
    expect(body.device_keys[alice.userId]).to.deep.equal({ [alice.deviceId]: { ...json, unsigned: {} } })
    expect(body.master_keys[alice.userId]).to.deep.include(master_key)
    expect(body.self_signing_keys[alice.userId]).to.deep.include(self_signing_key)
    expect(text).not.to.include('A telling name')
    expect(text).not.to.include(Object.values(user_signing_key.keys)[0])
  })

  it('are those of our users alone', async () => {
    await upload(alice)
    const foreign = `@bob:${peer.serverName}`
    const { body } = await ask('/keys/query', { device_keys: { [foreign]: [], [alice.userId]: ['NONE'], '@nobody:hs.test': [] } })
    expect(body.device_keys).to.deep.equal({ [alice.userId]: {}, '@nobody:hs.test': {} })
    const claimed = await ask('/keys/claim', { one_time_keys: { [foreign]: { X: 'signed_curve25519' } } })
    expect(claimed.body).to.deep.equal({ one_time_keys: {} })
  })

  it('are given out once, whoever asks, and the fallback key after them', async () => {
    const { json } = deviceKeysOf(alice)
    await alice.post('/keys/upload', {
      device_keys: json,
      one_time_keys: oneTimeKeysOf(alice, ['a', 'b', 'c', 'd']),
      fallback_keys: oneTimeKeysOf(alice, ['f'], 'fallback'),
    })
    const wanted = { one_time_keys: { [alice.userId]: { [alice.deviceId]: 'signed_curve25519' } } }
    const claims = [1, 2, 3, 4].map((n) => (n % 2 ? ask('/keys/claim', wanted) : alice.post('/keys/claim', wanted)))
    const given = (await Promise.all(claims)).map(({ body }) => Object.keys(body.one_time_keys[alice.userId][alice.deviceId])[0])
    expect(given.sort()).to.deep.equal(['a', 'b', 'c', 'd'].map((id) => `signed_curve25519:${id}`))
    const last = await ask('/keys/claim', wanted)
    expect(last.body).to.deep.equal({
      one_time_keys: { [alice.userId]: { [alice.deviceId]: oneTimeKeysOf(alice, ['f'], 'fallback') } },
    })
  })

  it('come as a list with the id of its last change', async () => {
    const json = await upload(alice)
    const { master_key, self_signing_key } = await uploadCrossSigning(alice)
    const { body } = await devicesOf(alice.userId)
    expect(body).to.deep.include({ user_id: alice.userId, devices: [{ device_id: alice.deviceId, keys: json }] })
    expect(body.master_key).to.deep.include(master_key)
    expect(body.self_signing_key).to.deep.include(self_signing_key)
    expect(body).not.to.have.property('user_signing_key')
    await alice.put(`/devices/${alice.deviceId}`, { display_name: 'Another' })
    expect((await devicesOf(alice.userId)).body.stream_id).to.be.above(body.stream_id)
  })

  it('come as an empty list of somebody without devices, and not at all of nobody', async () => {
    await alice.post('/logout')
    expect((await devicesOf(alice.userId)).body.devices).to.deep.equal([])
    for (const userId of ['@nobody:hs.test', `@bob:${peer.serverName}`]) expect((await devicesOf(userId)).status, userId).to.equal(404)
    expect((await devicesOf('nobody')).status).to.equal(400)
  })

  it('are refused to whoever asks wrongly', async () => {
    const wrong: [string, object][] = [
      ['/keys/query', {}],
      ['/keys/query', { device_keys: [] }],
      ['/keys/query', { device_keys: { [alice.userId]: {} } }],
      ['/keys/query', { device_keys: { alice: [] } }],
      ['/keys/claim', {}],
      ['/keys/claim', { one_time_keys: { [alice.userId]: { X: 7 } } }],
    ]
    for (const [path, content] of wrong) expect((await ask(path, content)).status, JSON.stringify(content)).to.equal(400)
  })
}

describe('names of devices', () => {
  it('are told to other servers where the configuration says so', async () => {
    const federation = { tell_device_names: true } as never
    const among = (await startServerWithPeers(1, { config: { federation } }))!
    try {
      const alice = await among.server.register('alice')
      await alice.put(`/devices/${alice.deviceId}`, { display_name: 'My phone' })
      await alice.post('/keys/upload', { device_keys: deviceKeysOf(alice).json })
      const uri = `/_matrix/federation/v1/user/devices/${encodeURIComponent(alice.userId)}`
      const { body } = await among.peers[0]!.ask(among.server, 'GET', uri)
      expect(body.devices[0].device_display_name).to.equal('My phone')
    } finally {
      await among.close()
    }
  })
})
