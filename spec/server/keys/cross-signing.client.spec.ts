import { expect } from 'chai'
import { crossSigningKeysOf, deviceKeysOf, signAs } from '../../support/device-keys.ts'
import { engines, password, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`cross-signing on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let people = 0
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

    const upload = (user: TestUser, body: object) => user.post('/keys/device_signing/upload', body)
    const sign = (user: TestUser, body: object) => user.post('/keys/signatures/upload', body)
    const query = async (by: TestUser, of: TestUser) => (await by.post('/keys/query', { device_keys: { [of.userId]: [] } })).body

    it('needs no proof for the first keys and for the same once more, and the password to replace them', async () => {
      const first = crossSigningKeysOf(alice.userId)
      expect((await upload(alice, first.body)).status).to.equal(200)
      expect((await upload(alice, first.body)).status).to.equal(200)
      const second = crossSigningKeysOf(alice.userId, 'second')
      const refused = await upload(alice, second.body)
      expect(refused.status).to.equal(401)
      expect(refused.body['flows']).to.deep.equal([{ stages: ['m.login.password'] }])
      expect((await query(alice, alice))['master_keys'][alice.userId].keys).to.deep.equal(first.body.master_key.keys)
      const identifier = { type: 'm.id.user', user: alice.userId }
      const auth = { type: 'm.login.password', identifier, password, session: refused.body['session'] }
      expect((await upload(alice, { ...second.body, auth })).status).to.equal(200)
      expect((await query(bob, alice))['master_keys'][alice.userId].keys).to.deep.equal(second.body.master_key.keys)
    })

    it('needs proof also for a new key under the old master key', async () => {
      const { body, master } = crossSigningKeysOf(alice.userId)
      await upload(alice, { master_key: body.master_key, self_signing_key: body.self_signing_key })
      const other = crossSigningKeysOf(alice.userId, 'other').body.self_signing_key
      const signed = signAs({ ...other, signatures: {} }, alice.userId, master.text, master)
      expect((await upload(alice, { self_signing_key: signed })).status).to.equal(401)
    })

    it('refuses keys without a master key, of others, with wrong signatures, of a wrong form, or called like a device', async () => {
      const { body } = crossSigningKeysOf(alice.userId)
      const others = crossSigningKeysOf(alice.userId, 'other').body
      const { text } = crossSigningKeysOf(alice.userId).master
      const wrong: [object, number, string][] = [
        [{ self_signing_key: body.self_signing_key }, 400, 'M_MISSING_PARAM'],
        [{}, 400, 'M_MISSING_PARAM'],
        [crossSigningKeysOf(bob.userId).body, 400, 'M_INVALID_PARAM'],
        [{ master_key: body.self_signing_key }, 400, 'M_INVALID_PARAM'],
        [{ master_key: null }, 400, 'M_BAD_JSON'],
        [{ master_key: { ...body.master_key, keys: {} } }, 400, 'M_BAD_JSON'],
        [{ master_key: { ...body.master_key, keys: { 'ed25519:x': 'x' } } }, 400, 'M_BAD_JSON'],
        [{ master_key: { ...body.master_key, keys: { 'ed25519:y': text } } }, 400, 'M_BAD_JSON'],
        [{ ...body, self_signing_key: others.self_signing_key }, 400, 'M_INVALID_SIGNATURE'],
      ]
      for (const [keys, status, errcode] of wrong) {
        const answer = await upload(alice, keys)
        expect([answer.status, answer.body['errcode']], JSON.stringify(keys)).to.deep.equal([status, errcode])
      }
      await server.server.people.putDevice(alice.userId, text, undefined)
      const { status, body: answer } = await upload(alice, body)
      expect([status, answer['errcode']]).to.deep.equal([403, 'M_FORBIDDEN'])
    })

    it('shows the user-signing key to its owner alone', async () => {
      await upload(alice, crossSigningKeysOf(alice.userId).body)
      expect(Object.keys((await query(alice, alice))['user_signing_keys'])).to.deep.equal([alice.userId])
      expect((await query(bob, alice))['user_signing_keys']).to.deep.equal({})
    })

    it('shows the signature on a device to all, and that on another user to its signer alone', async () => {
      const { json } = deviceKeysOf(alice)
      const ofAlice = crossSigningKeysOf(alice.userId)
      const ofBob = crossSigningKeysOf(bob.userId)
      await alice.post('/keys/upload', { device_keys: json })
      await upload(alice, ofAlice.body)
      await upload(bob, ofBob.body)
      const signedDevice = signAs(json, alice.userId, ofAlice.selfSigning.text, ofAlice.selfSigning)
      const signedBob = signAs(ofBob.body.master_key, alice.userId, ofAlice.userSigning.text, ofAlice.userSigning)
      const { body } = await sign(alice, {
        [alice.userId]: { [alice.deviceId]: signedDevice },
        [bob.userId]: { [ofBob.master.text]: signedBob },
      })
      expect(body).to.deep.equal({ failures: {} })
      const device = (await query(bob, alice))['device_keys'][alice.userId][alice.deviceId]
      expect(device.signatures).to.deep.equal(signedDevice.signatures)
      expect((await query(alice, bob))['master_keys'][bob.userId].signatures).to.deep.equal(signedBob.signatures)
      expect((await query(bob, bob))['master_keys'][bob.userId].signatures).to.deep.equal({})
    })

    it('tells for each signature why it was not taken', async () => {
      const { json } = deviceKeysOf(alice)
      const keys = crossSigningKeysOf(alice.userId)
      await alice.post('/keys/upload', { device_keys: json })
      await upload(alice, keys.body)
      const failureOf = async (userId: string, signed: string, object: object) => {
        const { body } = await sign(alice, { [userId]: { [signed]: object } })
        return body['failures'][userId]?.[signed]?.errcode
      }
      const { deviceId, userId } = alice
      const { selfSigning, userSigning } = keys
      expect(await failureOf(userId, 'NOTHING', json)).to.equal('M_NOT_FOUND')
      expect(await failureOf(userId, deviceId, { ...json, algorithms: [] })).to.equal('M_INVALID_SIGNATURE')
      expect(await failureOf(userId, deviceId, signAs(json, userId, selfSigning.text, userSigning))).to.equal('M_INVALID_SIGNATURE')
      expect(await failureOf(userId, deviceId, signAs(json, userId, userSigning.text, userSigning))).to.equal('M_INVALID_SIGNATURE')
      expect((await sign(alice, { [userId]: { [deviceId]: null } })).status).to.equal(400)
      expect((await sign(alice, JSON.parse('{"__proto__":{"x":{}}}'))).status).to.equal(400)
      expect((await query(bob, alice))['device_keys'][userId][deviceId].signatures).to.deep.equal(json.signatures)
    })

    it('forgets what a replaced key had signed', async () => {
      const { json } = deviceKeysOf(alice)
      const first = crossSigningKeysOf(alice.userId)
      await alice.post('/keys/upload', { device_keys: json })
      await upload(alice, first.body)
      const signed = signAs(json, alice.userId, first.selfSigning.text, first.selfSigning)
      await sign(alice, { [alice.userId]: { [alice.deviceId]: signed } })
      const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password }
      expect((await upload(alice, { ...crossSigningKeysOf(alice.userId, 'second').body, auth })).status).to.equal(200)
      expect((await query(bob, alice))['device_keys'][alice.userId][alice.deviceId].signatures).to.deep.equal(json.signatures)
    })
  })
}
