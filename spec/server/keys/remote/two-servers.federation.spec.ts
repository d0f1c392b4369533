import { expect } from 'chai'
import { crossSigningKeysOf, deviceKeysOf, oneTimeKeysOf, signAs } from '../../../support/device-keys.ts'
import { type Neighbours, startNeighbours } from '../../../support/federation.ts'
import type { Body, TestServer, TestUser } from '../../../support/server.ts'

describe('encryption between users of two servers', () => {
  let neighbours: Neighbours
  let [here, there]: TestServer[] = []
  let [alice, bob]: TestUser[] = []
  let since: string
  before(async () => {
    neighbours = (await startNeighbours(2))!
    ;[here, there] = neighbours.servers
    alice = await here!.register('alice')
    bob = await there!.register('bob')
    const room = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.post(`/join/${room}?via=${here!.config.server_name}`, {})
    since = (await alice.get('/sync')).body.next_batch
  })
  after(() => neighbours?.close())

  /** The next answer of `/sync` that has something to say of what is asked for. */
  const next = async <T>(read: (body: Body) => T | undefined): Promise<T> => {
    for (;;) {
      const { body } = await alice!.get('/sync', { query: { since, timeout: '170000' } })
      since = body.next_batch
      const found = read(body)
      if (found !== undefined) return found
    }
  }
  const changed = () => next(({ device_lists }) => device_lists?.changed)
  const keysOfBob = async (): Promise<Body> => (await alice!.post('/keys/query', { device_keys: { [bob!.userId]: [] } })).body

  it('begins with their devices and keys', async () => {
    await bob!.post('/keys/upload', { device_keys: deviceKeysOf(bob!).json, one_time_keys: oneTimeKeysOf(bob!, ['a', 'b']) })
    expect(await changed()).to.deep.equal([bob!.userId])
    expect((await keysOfBob()).device_keys[bob!.userId]).to.deep.equal({ [bob!.deviceId]: { ...deviceKeysOf(bob!).json, unsigned: {} } })
    const wanted = { one_time_keys: { [bob!.userId]: { [bob!.deviceId]: 'signed_curve25519' } } }
    const given = [await alice!.post('/keys/claim', wanted), await alice!.post('/keys/claim', wanted)].map(
      ({ body }) => Object.keys(body.one_time_keys[bob!.userId][bob!.deviceId])[0],
    )
    expect(given).to.deep.equal(['signed_curve25519:a', 'signed_curve25519:b'])
    expect((await bob!.get('/sync')).body.device_one_time_keys_count).to.deep.equal({ signed_curve25519: 0 })
  })

  it('goes on with messages to their devices, both ways', async () => {
    await bob!.put('/sendToDevice/m.test/1', { messages: { [alice!.userId]: { '*': { n: 1 } } } })
    expect(await next(({ to_device }) => to_device?.events)).to.deep.equal([{ content: { n: 1 }, sender: bob!.userId, type: 'm.test' }])
    const start = (await bob!.get('/sync')).body.next_batch
    const poll = bob!.get('/sync', { query: { since: start, timeout: '170000' } })
    await alice!.put('/sendToDevice/m.test/1', { messages: { [bob!.userId]: { [bob!.deviceId]: { n: 2 } } } })
    expect((await poll).body.to_device.events).to.deep.equal([{ content: { n: 2 }, sender: alice!.userId, type: 'm.test' }])
  })

  it('hears of new devices, of cross-signing and of devices that are gone', async () => {
    const { body: keys, selfSigning } = crossSigningKeysOf(bob!.userId)
    await bob!.post('/keys/device_signing/upload', keys)
    expect(await changed()).to.deep.equal([bob!.userId])
    expect((await keysOfBob()).self_signing_keys[bob!.userId]).to.deep.include(keys.self_signing_key)
    const signed = signAs(deviceKeysOf(bob!).json, bob!.userId, selfSigning.text, selfSigning)
    await bob!.post('/keys/signatures/upload', { [bob!.userId]: { [bob!.deviceId]: signed } })
    expect(await changed()).to.deep.equal([bob!.userId])
    expect((await keysOfBob()).device_keys[bob!.userId][bob!.deviceId].signatures).to.deep.equal(signed.signatures)
    await bob!.post('/logout')
    await changed()
    expect((await keysOfBob()).device_keys[bob!.userId]).to.deep.equal({})
    expect((await keysOfBob()).failures).to.deep.equal({})
  })
})
