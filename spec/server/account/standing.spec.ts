import { expect } from 'chai'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`locked and suspended accounts (${engine})`, () => {
    let server: TestServer
    let admin: TestUser
    let alice: TestUser
    let bob: TestUser
    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      admin = await server.register('admin', { admin: true })
    })
    beforeEach(async function () {
      if (!server) return this.skip()
      alice = await server.register(`alice${count++}`)
      bob = await server.register(`bob${count++}`)
    })
    after(() => server?.close())
    let count = 0
    const at = (verb: string, userId: string) => `/_matrix/client/v1/admin/${verb}/${encodeURIComponent(userId)}`
    const set = (verb: 'lock' | 'suspend', user: TestUser, to: boolean) =>
      admin.put(at(verb, user.userId), { [verb === 'lock' ? 'locked' : 'suspended']: to })

    it('are asked for and set by administrators', async () => {
      for (const [verb, key] of [
        ['lock', 'locked'],
        ['suspend', 'suspended'],
      ] as const) {
        expect((await admin.get(at(verb, alice.userId))).body).to.deep.equal({ [key]: false })
        expect((await set(verb, alice, true)).body).to.deep.equal({ [key]: true })
        expect((await admin.get(at(verb, alice.userId))).body).to.deep.equal({ [key]: true })
        expect((await set(verb, alice, false)).body).to.deep.equal({ [key]: false })
      }
    })
    it("are nobody else's business, and who asks is looked at before whom it is about", async () => {
      for (const verb of ['lock', 'suspend']) {
        for (const userId of [bob.userId, '@nobody:hs.test', '@a:elsewhere.test', 'nonsense']) {
          const { status, body } = await alice.get(at(verb, userId))
          expect([status, body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
        }
      }
    })
    it('cannot be of another server, unknown, ended or administrators', async () => {
      const other = await server.register(`admin${count++}`, { admin: true })
      await server.server.people.deactivate(bob.userId)
      for (const [userId, errcode] of [
        ['@a:elsewhere.test', 'M_INVALID_PARAM'],
        ['nonsense', 'M_INVALID_PARAM'],
        ['@nobody:hs.test', 'M_NOT_FOUND'],
        [bob.userId, 'M_NOT_FOUND'],
        [other.userId, 'M_FORBIDDEN'],
        [admin.userId, 'M_FORBIDDEN'],
      ] as const) {
        for (const verb of ['lock', 'suspend']) {
          expect((await admin.get(at(verb, userId))).body.errcode, userId).to.equal(errcode)
          expect((await admin.put(at(verb, userId), { locked: true, suspended: true })).body.errcode, userId).to.equal(errcode)
        }
      }
      for (const body of [{}, { locked: 'yes' }, { suspended: true }])
        expect((await admin.put(at('lock', alice.userId), body)).status).to.equal(400)
    })
    it('locked, may do nothing but log out, get no tokens, and have their sessions back afterwards', async () => {
      const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: alice.userId }, password: alice.password }
      const { refresh_token, access_token } = (await server.anonymous.post('/login', { ...login, refresh_token: true })).body
      expect((await server.as(access_token).get('/account/whoami')).status).to.equal(200)
      await set('lock', alice, true)
      const refused = [
        await alice.get('/account/whoami'),
        await alice.get('/sync'),
        await server.anonymous.post('/login', login),
        await server.anonymous.post('/refresh', { refresh_token }),
      ]
      for (const { status, body } of refused) {
        expect([status, body.errcode, body.soft_logout]).to.deep.equal([401, 'M_USER_LOCKED', true])
      }
      expect((await server.as(access_token).post('/logout')).status).to.equal(200)
      await set('lock', alice, false)
      expect((await alice.get('/account/whoami')).status).to.equal(200)
      expect((await server.as(access_token).get('/account/whoami')).body.errcode).to.equal('M_UNKNOWN_TOKEN')
    })
    it('suspended, read, leave, redact their own and log in, but take no part', async () => {
      const { room_id: roomId } = (await bob.post('/createRoom', { preset: 'public_chat' })).body
      const { room_id: other } = (await bob.post('/createRoom', { preset: 'public_chat' })).body
      await alice.post(`/rooms/${roomId}/join`)
      const say = (user: TestUser, type = 'm.room.message') =>
        user.put(`/rooms/${roomId}/send/${type}/${count++}`, { msgtype: 'm.text', body: 'x' })
      const own = (await say(alice)).body.event_id
      const bobs = (await say(bob)).body.event_id
      await set('suspend', alice, true)
      const refused = [
        await say(alice),
        await say(alice, 'm.room.encrypted'),
        await alice.post(`/rooms/${other}/join`),
        await alice.post(`/knock/${other}`),
        await alice.post('/createRoom'),
        await alice.post(`/rooms/${roomId}/invite`, { user_id: '@x:hs.test' }),
        await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'new' }),
        await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'x' }),
        await alice.put(`/rooms/${roomId}/redact/${bobs}/1`),
        await alice.put(`/rooms/${roomId}/send/m.room.redaction/9`, { redacts: bobs }),
      ]
      for (const { status, body } of refused) expect([status, body.errcode]).to.deep.equal([403, 'M_USER_SUSPENDED'])
      const allowed = [
        await alice.get('/sync'),
        await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b' } }),
        await alice.put(`/rooms/${roomId}/redact/${own}/2`),
        await say(alice, 'm.key.verification.ready'),
        await alice.post(`/rooms/${roomId}/leave`),
        await alice.post('/logout'),
      ]
      expect(allowed.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200, 200])
    })
    it('are told of in the capabilities of those who may lock and suspend', async () => {
      expect((await admin.get('/capabilities')).body.capabilities['m.account_moderation']).to.deep.equal({ suspend: true, lock: true })
      expect((await alice.get('/capabilities')).body.capabilities).not.to.have.property('m.account_moderation')
    })
    it('and others are looked up by administrators and themselves', async () => {
      await bob.put(`/devices/${bob.deviceId}`, { display_name: 'Phone' })
      const path = `/admin/whois/${bob.userId}`
      const { devices, user_id } = (await bob.get(path)).body
      expect(user_id).to.equal(bob.userId)
      expect(devices[bob.deviceId].sessions[0].connections[0]).to.include({ ip: '127.0.0.1' })
      expect((await admin.get(path)).body).to.deep.equal({ user_id, devices })
      expect((await alice.get(path)).body.errcode).to.equal('M_FORBIDDEN')
      expect((await admin.get('/admin/whois/@nobody:hs.test')).status).to.equal(404)
    })
  })
}
