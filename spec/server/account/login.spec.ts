import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('logging in', () => {
  let server: TestServer
  let alice: TestUser
  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
  })
  after(() => server.close())
  const login = (body: object) => server.anonymous.post('/login', body)

  it('offers passwords, tokens of other sessions and application services', async () => {
    const { body } = await server.anonymous.get('/login')
    expect(body).to.deep.equal({
      flows: [{ type: 'm.login.password' }, { type: 'm.login.token', get_login_token: true }, { type: 'm.login.application_service' }],
    })
  })
  it('takes a name as localpart or whole, in the newer and the older form', async () => {
    const type = 'm.login.password'
    const { password } = alice
    for (const user of ['alice', '@alice:hs.test']) {
      for (const who of [{ identifier: { type: 'm.id.user', user } }, { user }]) {
        const { status, body } = await login({ type, password, ...who })
        expect([status, body.user_id], JSON.stringify(who)).to.deep.equal([200, '@alice:hs.test'])
        expect(body.well_known).to.deep.equal({ 'm.homeserver': { base_url: 'https://hs.test/' } })
      }
    }
  })
  it('does not tell a wrong password from a user that does not exist', async () => {
    const bodies = []
    for (const user of ['alice', 'nobody', '@alice:elsewhere.test', 'a b']) {
      const { status, body } = await login({ type: 'm.login.password', password: 'wrong', identifier: { type: 'm.id.user', user } })
      expect(status, user).to.equal(403)
      bodies.push(JSON.stringify(body))
    }
    expect(new Set(bodies).size).to.equal(1)
  })
  it('knows no third-party identifiers, and no types but its own', async () => {
    const thirdParty = { type: 'm.id.thirdparty', medium: 'email', address: 'a@b.c' }
    expect((await login({ type: 'm.login.password', password: alice.password, identifier: thirdParty })).status).to.equal(403)
    expect((await login({ type: 'm.login.nonsense', token: 'x' })).body.errcode).to.equal('M_UNKNOWN')
  })
  it('refuses what is not whole with 400', async () => {
    const identifier = { type: 'm.id.user', user: 'alice' }
    const wrong = [{}, { type: 1 }, { type: 'm.login.password', identifier }, { type: 'm.login.password', password: 'x' }]
    for (const body of [...wrong, { type: 'm.login.password', identifier, password: 5 }]) {
      expect((await login(body)).status, JSON.stringify(body)).to.equal(400)
    }
  })
  it('has a page for clients that know no flow, whose one script is the only one that runs', async () => {
    for (const path of ['/_matrix/static/client/login/', '/_matrix/static/client/login']) {
      const { status, text, headers } = await server.anonymous.get(path, { query: { device_id: '"><script>alert(1)</script>' } })
      expect(status, path).to.equal(200)
      expect(text).to.contain('matrixLogin.onLogin').and.not.contain('alert(1)')
      const policy = headers.get('content-security-policy')!
      const script = /<script>([\s\S]*)<\/script>/.exec(text)![1]!
      expect(policy)
        .to.contain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`)
        .and.not.contain('unsafe')
    }
  })
  it('needs the token of a service for a login as one', async () => {
    const { status, body } = await login({ type: 'm.login.application_service', identifier: { type: 'm.id.user', user: 'alice' } })
    expect([status, body.errcode]).to.deep.equal([401, 'M_MISSING_TOKEN'])
    const asUser = await alice.post('/login', { type: 'm.login.application_service', identifier: { type: 'm.id.user', user: 'alice' } })
    expect(asUser.status).to.equal(401)
  })
})

describe('devices', () => {
  let server: TestServer
  let alice: TestUser
  beforeEach(async () => {
    server = await startServer()
    alice = await server.register('alice')
  })
  afterEach(() => server.close())
  const auth = (password: string, user = 'alice') => ({ type: 'm.login.password', identifier: { type: 'm.id.user', user }, password })

  it('are listed, renamed and read', async () => {
    expect((await alice.put(`/devices/${alice.deviceId}`, { display_name: 'Laptop' })).status).to.equal(200)
    const { devices } = (await alice.get('/devices')).body
    expect(devices).to.have.length(1)
    expect(devices[0]).to.include({ device_id: alice.deviceId, display_name: 'Laptop', last_seen_ip: '127.0.0.1' })
    expect((await alice.get(`/devices/${alice.deviceId}`)).body).to.deep.equal(devices[0])
  })
  it('of others, and those that are none, are not there', async () => {
    const bob = await server.register('bob')
    expect((await bob.get(`/devices/${alice.deviceId}`)).status).to.equal(404)
    expect((await bob.put('/devices/NEW', {})).body.errcode).to.equal('M_NOT_FOUND')
    expect((await bob.get('/devices/')).status).to.equal(404)
  })
  it('are removed when the password was given, and their sessions end', async () => {
    const other = await server.server.people.createSession({
      userId: alice.userId,
      deviceId: 'OLD',
      displayName: undefined,
      refreshable: false,
    })
    const asked = await alice.delete('/devices/OLD')
    expect([asked.status, asked.body.flows]).to.deep.equal([401, [{ stages: ['m.login.password'] }]])
    for (const wrong of [auth('wrong'), { type: 'm.login.dummy' }]) {
      expect((await alice.delete('/devices/OLD', { auth: { ...wrong, session: asked.body.session } })).status).to.equal(401)
    }
    const others = { ...auth(alice.password, 'bob'), session: asked.body.session }
    expect((await alice.delete('/devices/OLD', { auth: others })).body.errcode).to.equal('M_FORBIDDEN')
    expect((await server.as(other.accessToken).get('/account/whoami')).status).to.equal(200)
    expect((await alice.delete('/devices/OLD', { auth: { ...auth(alice.password), session: asked.body.session } })).status).to.equal(200)
    expect((await server.as(other.accessToken).get('/account/whoami')).status).to.equal(401)
    expect((await alice.delete('/devices/OLD', { auth: auth(alice.password) })).status).to.equal(200)
  })
  it('are removed several at once; a list of anything else is refused', async () => {
    const devices = ['A', 'B']
    for (const deviceId of devices) {
      await server.server.people.createSession({ userId: alice.userId, deviceId, displayName: undefined, refreshable: false })
    }
    for (const wrong of [{}, { devices: 'A' }, { devices: [1] }]) {
      expect((await alice.post('/delete_devices', { ...wrong, auth: auth(alice.password) })).status).to.equal(400)
    }
    expect((await alice.post('/delete_devices', { devices, auth: auth(alice.password) })).status).to.equal(200)
    expect((await alice.get('/devices')).body.devices).to.have.length(1)
  })
})
