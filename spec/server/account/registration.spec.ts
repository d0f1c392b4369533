import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { startServer, type TestServer } from '../../support/server.ts'

describe('registration', () => {
  let server: TestServer
  afterEach(() => server.close())
  const register = (body: object, query: Record<string, string> = {}) => server.anonymous.post('/register', body, { query })

  describe('that is closed', () => {
    beforeEach(async () => {
      server = await startServer()
    })
    it('is refused, and guests always are', async () => {
      for (const answer of [await register({}), await register({ username: 'a', password: 'b', auth: { type: 'm.login.dummy' } })]) {
        expect([answer.status, answer.body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
      }
      expect((await register({}, { kind: 'guest' })).body.errcode).to.equal('M_GUEST_ACCESS_FORBIDDEN')
    })
    it('knows no shared secret unless there is one', async () => {
      expect((await server.anonymous.get('/_synapse/admin/v1/register')).status).to.equal(400)
    })
  })

  describe('that is open', () => {
    beforeEach(async () => {
      server = await startServer({ config: { registration: { open: true } } })
    })
    const dummy = { auth: { type: 'm.login.dummy' } }

    it('says what it asks for, without an errcode, then makes the account and logs it in', async () => {
      const asked = await register({ username: 'alice', password: 'secret' })
      expect(asked.status).to.equal(401)
      expect(asked.body)
        .to.deep.include({ flows: [{ stages: ['m.login.dummy'] }], params: {} })
        .and.not.have.property('errcode')
      const auth = { type: 'm.login.dummy', session: asked.body.session }
      const made = await register({ username: 'alice', password: 'secret', auth, device_id: 'PHONE', initial_device_display_name: 'Phone' })
      expect(made.body).to.deep.include({ user_id: '@alice:hs.test', device_id: 'PHONE' })
      const me = server.as(made.body.access_token)
      expect((await me.get('/account/whoami')).body.device_id).to.equal('PHONE')
      expect((await me.get('/devices/PHONE')).body.display_name).to.equal('Phone')
    })
    it('makes an account without logging it in, and finds a name for whoever has none', async () => {
      const { body } = await register({ ...dummy, password: 'secret', inhibit_login: true })
      expect(body.user_id).to.match(/^@[a-z0-9]{12}:hs\.test$/)
      expect(body).not.to.have.any.keys('access_token', 'device_id')
    })
    it('names whoever is new by the localpart, for others to see', async () => {
      const { body } = await register({ ...dummy, username: 'Dora', password: 'x' })
      expect((await server.anonymous.get('/profile/@dora:hs.test')).body).to.deep.equal({ displayname: 'dora' })
      const { room_id: room } = (await server.as(body.access_token).post('/createRoom')).body
      const { content } = (await server.as(body.access_token).get(`/rooms/${room}/state/m.room.member/@dora:hs.test?format=event`)).body
      expect(content).to.include({ membership: 'join', displayname: 'dora' })
    })
    it('writes capitals small, and refuses names that are none before it asks for anything', async () => {
      expect((await register({ ...dummy, username: 'BOB', password: 'x' })).body.user_id).to.equal('@bob:hs.test')
      for (const username of ['', 'a b', 'é', '_x', 'a:b', '@a', 'x'.repeat(300), 'a\u0000b']) {
        const { status, body } = await register({ username })
        expect([status, body.errcode], username.slice(0, 20)).to.deep.equal([400, 'M_INVALID_USERNAME'])
      }
      expect((await register({ username: 'Bob' })).body.errcode).to.equal('M_USER_IN_USE')
    })
    it('gives a name to one of those who want it at once', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => register({ ...dummy, username: 'carol', password: 'x' })))
      expect(answers.map(({ body }) => body.errcode ?? 'made').sort()).to.deep.equal(['M_USER_IN_USE', 'M_USER_IN_USE', 'made'])
    })
    it('refuses wrong types and a missing password', async () => {
      for (const wrong of [{ username: 1 }, { username: 'd', password: 1 }, { device_id: {} }, { refresh_token: 'yes' }]) {
        const { status, body } = await register({ ...dummy, ...wrong })
        expect([status, body.errcode], JSON.stringify(wrong)).to.deep.equal([400, 'M_BAD_JSON'])
      }
      expect((await register({ ...dummy, username: 'd' })).body.errcode).to.equal('M_MISSING_PARAM')
    })
    it('tells whether a name is free', async () => {
      const available = async (username: string) => (await server.anonymous.get('/register/available', { query: { username } })).body
      expect(await available('erin')).to.deep.equal({ available: true })
      await register({ ...dummy, username: 'erin', password: 'x' })
      expect((await available('erin')).errcode).to.equal('M_USER_IN_USE')
      expect((await available('_')).errcode).to.equal('M_INVALID_USERNAME')
    })
  })

  describe('by token', () => {
    beforeEach(async () => {
      server = await startServer({ config: { registration: { token_required: true } } })
    })
    const validity = (token: string) =>
      server.anonymous.get('/_matrix/client/v1/register/m.login.registration_token/validity', { query: { token } })
    const byToken = (username: string, token: unknown) =>
      register({ username, password: 'x', auth: { type: 'm.login.registration_token', token } })

    it('lets in as many as the token is good for, also at once', async () => {
      const admin = await server.register('admin', { admin: true })
      const { token } = (await admin.post('/_synapse/admin/v1/registration_tokens/new', { uses_allowed: 2 })).body
      expect((await validity(token)).body).to.deep.equal({ valid: true })
      const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => byToken(name, token)))
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 200, 401, 401])
      const refused = answers.find(({ status }) => status === 401)!
      expect(refused.body).to.deep.include({ errcode: 'M_FORBIDDEN', flows: [{ stages: ['m.login.registration_token'] }] })
      expect((await validity(token)).body).to.deep.equal({ valid: false })
    })
    it('lets nobody in by a wrong token, and nobody but administrators make one', async () => {
      for (const token of ['wrong', '', 1, null]) expect((await byToken('eve', token)).status).to.equal(401)
      const bob = await server.register('bob')
      expect((await bob.post('/_synapse/admin/v1/registration_tokens/new')).status).to.equal(403)
    })
    it('takes a token that has expired for none', async () => {
      const admin = await server.register('admin', { admin: true })
      await admin.post('/_synapse/admin/v1/registration_tokens/new', { token: 'old', expiry_time: 1 })
      expect((await byToken('eve', 'old')).status).to.equal(401)
    })
  })

  describe('by shared secret', () => {
    const path = '/_synapse/admin/v1/register'
    beforeEach(async () => {
      server = await startServer({ config: { registration: { shared_secret: 'the secret' } } })
    })
    async function bySecret(of: { username: string; admin?: boolean; secret?: string; nonce?: string; displayname?: string }) {
      const nonce = of.nonce ?? (await server.anonymous.get(path)).body.nonce
      const text = [nonce, of.username, 'pw', of.admin ? 'admin' : 'notadmin'].join('\0')
      const mac = createHmac('sha1', of.secret ?? 'the secret')
        .update(text)
        .digest('hex')
      return server.anonymous.post(path, {
        nonce,
        username: of.username,
        password: 'pw',
        admin: of.admin ?? false,
        mac,
        displayname: of.displayname,
      })
    }
    it('makes accounts, administrators too', async () => {
      const { body } = await bySecret({ username: 'root', admin: true })
      expect(body).to.deep.include({ user_id: '@root:hs.test', home_server: 'hs.test' })
      expect((await server.as(body.access_token).get('/_tombolo/metrics')).status).to.equal(200)
      expect((await bySecret({ username: 'user' })).status).to.equal(200)
    })
    it('names whoever is new as the operator says, or by the localpart', async () => {
      await bySecret({ username: 'plain' })
      await bySecret({ username: 'named', displayname: 'Pépé Roni' })
      const nameOf = async (name: string) => (await server.anonymous.get(`/profile/@${name}:hs.test`)).body.displayname
      expect([await nameOf('plain'), await nameOf('named')]).to.deep.equal(['plain', 'Pépé Roni'])
      expect((await bySecret({ username: 'toolong', displayname: 'x'.repeat(300) })).status).to.equal(400)
    })
    it('refuses a wrong secret, a nonce that is not its own and one that was changed', async () => {
      expect((await bySecret({ username: 'a', secret: 'guess' })).body.errcode).to.equal('M_FORBIDDEN')
      const { nonce } = (await server.anonymous.get(path)).body
      for (const wrong of ['', 'x', `9${nonce}`, `${nonce}x`])
        expect((await bySecret({ username: 'a', nonce: wrong })).status).to.equal(400)
      expect(await server.server.people.account('@a:hs.test')).to.equal(undefined)
    })
  })
})
