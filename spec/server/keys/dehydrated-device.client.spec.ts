import { expect } from 'chai'
import { deviceKeysOf, oneTimeKeysOf } from '../../support/device-keys.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const path = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'

for (const engine of engines) {
  describe(`dehydrated devices on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let people = 0
    let sent = 0
    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    beforeEach(async () => {
      people++
      alice = await server.register(`alice${people}`)
      bob = await server.register(`bob${people}`)
    })
    const bodyOf = (deviceId: string) => {
      const owner = { userId: alice.userId, deviceId }
      return {
        device_id: deviceId,
        device_data: { algorithm: 'org.matrix.msc3814.v2', device_pickle: 'sealed', nonce: 'n' },
        initial_device_display_name: 'Dehydrated',
        device_keys: deviceKeysOf(owner).json,
        one_time_keys: oneTimeKeysOf(owner, ['AAAA']),
        fallback_keys: oneTimeKeysOf(owner, ['BBBB']),
      }
    }
    const tell = (deviceId: string, body: string) =>
      bob.put(`/sendToDevice/m.test/${sent++}`, { messages: { [alice.userId]: { [deviceId]: { body } } } })
    const bodies = (events: { content: { body: string } }[]) => events.map(({ content }) => content.body)

    it('are kept, given back, and known to others with their keys', async () => {
      expect((await alice.put(path, bodyOf('DRY'))).body).to.deep.equal({ device_id: 'DRY' })
      expect((await alice.get(path)).body).to.deep.equal({ device_id: 'DRY', device_data: bodyOf('DRY').device_data })
      const { device_keys } = (await bob.post('/keys/query', { device_keys: { [alice.userId]: [] } })).body
      expect(device_keys[alice.userId].DRY.keys).to.deep.equal(bodyOf('DRY').device_keys.keys)
      const claim = { one_time_keys: { [alice.userId]: { DRY: 'signed_curve25519' } } }
      expect((await bob.post('/keys/claim', claim)).body.one_time_keys[alice.userId].DRY).to.have.key('signed_curve25519:AAAA')
      expect((await bob.post('/keys/claim', claim)).body.one_time_keys[alice.userId].DRY).to.have.key('signed_curve25519:BBBB')
    })
    it('collect messages, which are given page by page as often as they are asked for', async () => {
      await alice.put(path, bodyOf('DRY'))
      await tell('DRY', 'one')
      await tell('*', 'two')
      const first = (await alice.post(`${path}/DRY/events`)).body
      expect(bodies(first.events)).to.deep.equal(['one', 'two'])
      const next = (await alice.post(`${path}/DRY/events`, { next_batch: first.next_batch })).body
      expect(next).to.deep.equal({ events: [], next_batch: first.next_batch })
      await tell('DRY', 'three')
      const later = await alice.get(`${path}/DRY/events`, { query: { next_batch: first.next_batch } })
      expect(bodies(later.body.events)).to.deep.equal(['three'])
      expect(bodies((await alice.get(`${path}/DRY/events`)).body.events)).to.deep.equal(['one', 'two', 'three'])
    })
    it('are one for each user: another one takes the place of the first', async () => {
      await alice.put(path, bodyOf('FIRST'))
      await tell('FIRST', 'lost')
      await alice.put(path, bodyOf('SECOND'))
      expect((await alice.get(path)).body.device_id).to.equal('SECOND')
      expect((await alice.get('/devices/FIRST')).status).to.equal(404)
      expect((await alice.get(`${path}/FIRST/events`)).body.errcode).to.equal('M_FORBIDDEN')
      expect((await alice.get(`${path}/SECOND/events`)).body.events).to.deep.equal([])
    })
    it('are removed, by this endpoint or as any device', async () => {
      await alice.put(path, bodyOf('DRY'))
      expect((await alice.delete(path)).body).to.deep.equal({ device_id: 'DRY' })
      await alice.put(path, bodyOf('WET'))
      await alice.delete('/devices/WET', { auth: { type: 'm.login.password', user: alice.userId, password: alice.password } })
      for (const answer of [await alice.get(path), await alice.delete(path), await alice.get(`${path}/WET/events`)]) {
        expect([answer.status, answer.body.errcode]).to.deep.equal([404, 'M_NOT_FOUND'])
      }
    })
    it('must be whole: nothing is left of one that is refused', async () => {
      const good = bodyOf('DRY')
      for (const [change, errcode] of [
        [{ device_id: undefined }, 'M_MISSING_PARAM'],
        [{ device_id: '' }, 'M_INVALID_PARAM'],
        [{ device_id: alice.deviceId }, 'M_INVALID_PARAM'],
        [{ device_data: undefined }, 'M_MISSING_PARAM'],
        [{ device_data: 'x' }, 'M_BAD_JSON'],
        [{ device_data: {} }, 'M_BAD_JSON'],
        [{ device_keys: undefined }, 'M_MISSING_PARAM'],
        [{ device_keys: bodyOf('OTHER').device_keys }, 'M_INVALID_PARAM'],
        [{ device_keys: { ...good.device_keys, signatures: {} } }, 'M_INVALID_SIGNATURE'],
        [{ one_time_keys: [] }, 'M_BAD_JSON'],
      ] as const) {
        const { status, body } = await alice.put(path, { ...good, ...change })
        expect([status, body.errcode], JSON.stringify(change)).to.deep.equal([400, errcode])
      }
      expect((await alice.get('/devices')).body.devices).to.have.length(1)
      await alice.put(path, good)
      expect((await alice.post(`${path}/DRY/events`, { next_batch: 'x' })).body.errcode).to.equal('M_INVALID_PARAM')
      expect((await alice.post(`${path}/DRY/events`, { next_batch: 5 })).body.errcode).to.equal('M_BAD_JSON')
      expect((await bob.get(`${path}/DRY/events`)).status).to.equal(404)
    })
  })
}
