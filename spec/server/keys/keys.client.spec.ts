import { expect } from 'chai'
import { deviceKeysOf, oneTimeKeysOf } from '../../support/device-keys.ts'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`device keys on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  let people = 0
  beforeEach(async () => {
    people++
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people}`)
  })

  const upload = (user: TestUser, body: object) => user.post('/keys/upload', body)
  const claim = async (by: TestUser, of: TestUser) => {
    const { body } = await by.post('/keys/claim', { one_time_keys: { [of.userId]: { [of.deviceId]: 'signed_curve25519' } } })
    return Object.keys(body['one_time_keys'][of.userId]?.[of.deviceId] ?? {})[0]
  }

  it('are given to whoever asks, with the name of the device', async () => {
    const { json } = deviceKeysOf(alice)
    await alice.put(`/devices/${alice.deviceId}`, { display_name: 'My phone' })
    expect((await upload(alice, { device_keys: json })).body).to.deep.equal({ one_time_key_counts: { signed_curve25519: 0 } })
    const { body } = await bob.post('/keys/query', { device_keys: { [alice.userId]: [] } })
    expect(body['device_keys'][alice.userId]).to.deep.equal({
      [alice.deviceId]: { ...json, unsigned: { device_display_name: 'My phone' } },
    })
    expect(body['failures']).to.deep.equal({})
  })

  it('name the servers that cannot be asked, and leave out who is not known', async () => {
    const { body } = await bob.post('/keys/query', { device_keys: { '@carol:elsewhere.test': [], '@nobody:hs.test': ['X'] } })
    expect(Object.keys(body['failures'])).to.deep.equal(['elsewhere.test'])
    expect(body['device_keys']).to.deep.equal({ '@nobody:hs.test': {} })
  })

  it('are refused when they are null, of somebody else, unsigned, or odd', async () => {
    const { json } = deviceKeysOf(alice)
    const wrong: [object | null, string][] = [
      [null, 'M_BAD_JSON'],
      [deviceKeysOf(bob).json, 'M_INVALID_PARAM'],
      [{ ...json, device_id: 'OTHER' }, 'M_INVALID_PARAM'],
      [{ ...json, algorithms: 'm.olm.v1' }, 'M_BAD_JSON'],
      [{ ...json, algorithms: [7] }, 'M_BAD_JSON'],
      [{ ...json, keys: [] }, 'M_BAD_JSON'],
      [{ ...json, keys: { [`ed25519:${alice.deviceId}`]: 'short' } }, 'M_BAD_JSON'],
      [{ ...json, algorithms: ['m.other'] }, 'M_INVALID_SIGNATURE'],
      [{ ...json, signatures: {} }, 'M_INVALID_SIGNATURE'],
      [{ ...json, signatures: { [alice.userId]: [] } }, 'M_INVALID_SIGNATURE'],
    ]
    for (const [deviceKeys, errcode] of wrong) {
      const { status, body } = await upload(alice, { device_keys: deviceKeys })
      expect({ status, errcode: body['errcode'] }, JSON.stringify(deviceKeys)).to.deep.equal({ status: 400, errcode })
    }
    const { body } = await bob.post('/keys/query', { device_keys: { [alice.userId]: [] } })
    expect(body['device_keys'][alice.userId]).to.deep.equal({})
  })

  it('of a device never become others', async () => {
    await upload(alice, { device_keys: deviceKeysOf(alice).json })
    expect((await upload(alice, { device_keys: deviceKeysOf(alice).json })).status).to.equal(200)
    const { status, body } = await upload(alice, { device_keys: deviceKeysOf(alice, 'others').json })
    expect({ status, errcode: body['errcode'] }).to.deep.equal({ status: 400, errcode: 'M_INVALID_PARAM' })
  })

  it('go with their device', async () => {
    await upload(alice, { device_keys: deviceKeysOf(alice).json, one_time_keys: oneTimeKeysOf(alice, ['A']) })
    await alice.post('/logout')
    const { body } = await bob.post('/keys/query', { device_keys: { [alice.userId]: [] } })
    expect(body['device_keys'][alice.userId]).to.deep.equal({})
    expect(await claim(bob, alice)).to.equal(undefined)
  })

  it('for one time are claimed in the order of their upload, each once, then the fallback key every time', async () => {
    await upload(alice, { device_keys: deviceKeysOf(alice).json, one_time_keys: oneTimeKeysOf(alice, ['Z']) })
    const fallback = oneTimeKeysOf(alice, ['F'])
    const { body } = await upload(alice, { one_time_keys: oneTimeKeysOf(alice, ['A']), fallback_keys: fallback })
    expect(body).to.deep.equal({ one_time_key_counts: { signed_curve25519: 2 } })
    const claimed: unknown[] = []
    for (let times = 0; times < 4; times++) claimed.push(await claim(bob, alice))
    expect(claimed).to.deep.equal(['Z', 'A', 'F', 'F'].map((id) => `signed_curve25519:${id}`))
  })

  it('for one time may be uploaded again as they are, even when claimed, but not changed', async () => {
    const keys = oneTimeKeysOf(alice, ['A'])
    await upload(alice, { device_keys: deviceKeysOf(alice).json, one_time_keys: keys })
    expect((await upload(alice, { one_time_keys: keys })).body).to.deep.equal({ one_time_key_counts: { signed_curve25519: 1 } })
    await claim(bob, alice)
    expect((await upload(alice, { one_time_keys: keys })).body).to.deep.equal({ one_time_key_counts: { signed_curve25519: 0 } })
    const { status, body } = await upload(alice, { one_time_keys: oneTimeKeysOf(alice, ['A'], 'other') })
    expect({ status, errcode: body['errcode'] }).to.deep.equal({ status: 400, errcode: 'M_INVALID_PARAM' })
  })

  it('for one time are refused when the device did not sign the first of them', async () => {
    await upload(alice, { device_keys: deviceKeysOf(alice).json })
    const { status, body } = await upload(alice, { one_time_keys: oneTimeKeysOf(bob, ['A']) })
    expect({ status, errcode: body['errcode'] }).to.deep.equal({ status: 400, errcode: 'M_INVALID_SIGNATURE' })
    for (const keys of [[], null, { noalgorithm: 'x' }, { 'curve25519:A': 7 }, { 'curve25519:A': {} }]) {
      expect((await upload(alice, { one_time_keys: keys })).body['errcode'], JSON.stringify(keys)).to.equal('M_BAD_JSON')
    }
  })

  it('are counted in every sync, zero and an empty list included', async () => {
    const sync = async () => {
      const { body } = await alice.get('/sync')
      return [body['device_one_time_keys_count'], body['device_unused_fallback_key_types']]
    }
    expect(await sync()).to.deep.equal([{ signed_curve25519: 0 }, []])
    const body = { one_time_keys: oneTimeKeysOf(alice, ['A', 'B']), fallback_keys: oneTimeKeysOf(alice, ['F']) }
    await upload(alice, { device_keys: deviceKeysOf(alice).json, ...body })
    expect(await sync()).to.deep.equal([{ signed_curve25519: 2 }, ['signed_curve25519']])
    for (let times = 0; times < 3; times++) await claim(bob, alice)
    expect(await sync()).to.deep.equal([{ signed_curve25519: 0 }, []])
    await upload(alice, { fallback_keys: body.fallback_keys })
    expect((await sync())[1], 'the same fallback key is still a used one').to.deep.equal([])
    await upload(alice, { fallback_keys: oneTimeKeysOf(alice, ['G']) })
    expect((await sync())[1]).to.deep.equal(['signed_curve25519'])
  })

  it('are asked for in the right form only', async () => {
    for (const deviceKeys of [undefined, null, [], { [alice.userId]: {} }, { [alice.userId]: [7] }, { alice: [] }]) {
      const { status } = await bob.post('/keys/query', { device_keys: deviceKeys })
      expect(status, JSON.stringify(deviceKeys)).to.equal(400)
    }
    for (const keys of [undefined, [], { [alice.userId]: [] }, { [alice.userId]: { X: 7 } }, { alice: {} }]) {
      expect((await bob.post('/keys/claim', { one_time_keys: keys })).status, JSON.stringify(keys)).to.equal(400)
    }
  })
}
