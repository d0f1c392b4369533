import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('what this server does not offer', () => {
  let server: TestServer
  let alice: TestUser
  before(async () => {
    server = await startServer({ config: { registration: { open: true } } })
    alice = await server.register('alice')
  })
  after(() => server.close())

  describe('third-party identifiers', () => {
    it('are none, and none is added, bound or proved', async () => {
      expect((await alice.get('/account/3pid')).body).to.deep.equal({ threepids: [] })
      expect((await server.anonymous.get('/account/3pid')).status).to.equal(401)
      const [client_secret, sid] = ['secret', 'sid']
      for (const [path, body, errcode] of [
        ['/account/3pid', { three_pid_creds: { client_secret, sid, id_server: 'x' } }, 'M_THREEPID_AUTH_FAILED'],
        ['/account/3pid', {}, 'M_MISSING_PARAM'],
        ['/account/3pid/add', { client_secret, sid }, 'M_FORBIDDEN'],
        ['/account/3pid/add', { client_secret }, 'M_MISSING_PARAM'],
        ['/account/3pid/bind', { client_secret, sid, id_server: 'x', id_access_token: 'y' }, 'M_SERVER_NOT_TRUSTED'],
        ['/account/3pid/bind', { client_secret, sid, id_server: 'x' }, 'M_MISSING_PARAM'],
      ] as const) {
        expect((await alice.post(path, body)).body.errcode, path).to.equal(errcode)
      }
    })
    it('that are not there can be removed', async () => {
      for (const path of ['/account/3pid/delete', '/account/3pid/unbind']) {
        const answer = await alice.post(path, { medium: 'email', address: 'a@b.c' })
        expect(answer.body).to.deep.equal({ id_server_unbind_result: 'no-support' })
        expect((await alice.post(path, { medium: 'pigeon', address: 'x' })).body.errcode).to.equal('M_INVALID_PARAM')
        expect((await alice.post(path, { medium: 'email' })).body.errcode).to.equal('M_MISSING_PARAM')
      }
    })
    it('are not verified: no mail or text message is sent', async () => {
      const email = { client_secret: 'secret', email: 'a@b.c', send_attempt: 1 }
      const phone = { client_secret: 'secret', country: 'CH', phone_number: '1', send_attempt: 1 }
      for (const [at, errcode] of [
        ['/account/3pid', 'M_THREEPID_DENIED'],
        ['/register', 'M_THREEPID_DENIED'],
        ['/account/password', 'M_THREEPID_NOT_FOUND'],
      ] as const) {
        for (const [medium, body] of [
          ['email', email],
          ['msisdn', phone],
        ] as const) {
          const ask = (of: object) => server.anonymous.post(`${at}/${medium}/requestToken`, of)
          expect((await ask(body)).body.errcode).to.equal(errcode)
          expect((await ask({ ...body, client_secret: 'ü' })).body.errcode).to.equal('M_INVALID_PARAM')
          expect((await ask({ ...body, send_attempt: 'x' })).body.errcode).to.equal('M_INVALID_PARAM')
          for (const key of Object.keys(body))
            expect((await ask({ ...body, [key]: undefined })).body.errcode, key).to.equal('M_MISSING_PARAM')
        }
      }
    })
    it('are told of as such, and so is what can be changed', async () => {
      const { capabilities } = (await alice.get('/capabilities')).body
      expect(capabilities['m.3pid_changes']).to.deep.equal({ enabled: false })
      for (const name of ['m.change_password', 'm.set_displayname', 'm.set_avatar_url', 'm.profile_fields', 'm.get_login_token']) {
        expect(capabilities[name], name).to.deep.equal({ enabled: true })
      }
    })
  })

  it('single sign-on is refused in the form that clients look for', async () => {
    const redirectUrl = 'https://client.test/'
    expect((await server.anonymous.get('/login/sso/redirect')).body.errcode).to.equal('M_MISSING_PARAM')
    const redirected = await server.anonymous.get('/login/sso/redirect', { query: { redirectUrl } })
    expect([redirected.status, redirected.body.errcode]).to.deep.equal([404, 'M_UNRECOGNIZED'])
    const idp = await server.anonymous.get('/login/sso/redirect/acme', { query: { redirectUrl } })
    expect([idp.status, idp.body.errcode]).to.deep.equal([404, 'M_NOT_FOUND'])
  })
  it('OAuth 2.0 is not recognised, under both names', async () => {
    for (const path of ['/_matrix/client/v1/auth_metadata', '/_matrix/client/unstable/org.matrix.msc2965/auth_metadata']) {
      const { status, body } = await server.anonymous.get(path)
      expect([status, body.errcode]).to.deep.equal([404, 'M_UNRECOGNIZED'])
    }
  })
  it('guests have no accounts', async () => {
    const { status, body } = await server.anonymous.post('/register', {}, { query: { kind: 'guest' } })
    expect([status, body.errcode]).to.deep.equal([403, 'M_GUEST_ACCESS_FORBIDDEN'])
  })
})

describe('limits on logging in', () => {
  let server: TestServer
  before(async () => {
    const limit = { per_second: 0.001, burst_count: 3 }
    const loose = { per_second: 1000, burst_count: 1000 }
    server = await startServer({
      config: { rate_limits: 'defaults', rc_login: { address: loose, account: loose, failed_attempts: limit } },
    })
  })
  after(() => server.close())

  it('refuse an account after wrong passwords, also with the right one, and leave others alone', async () => {
    const [alice, bob] = [await server.register('alice'), await server.register('bob')]
    const login = (user: TestUser, password = user.password) =>
      server.anonymous.post('/login', { type: 'm.login.password', identifier: { type: 'm.id.user', user: user.userId }, password })
    for (let time = 0; time < 3; time++) expect((await login(alice, 'wrong')).status).to.equal(403)
    const { status, body, headers } = await login(alice)
    expect([status, body.errcode]).to.deep.equal([429, 'M_LIMIT_EXCEEDED'])
    expect(Number(headers.get('retry-after'))).to.equal(Math.ceil(body.retry_after_ms / 1000))
    expect((await login(bob)).status).to.equal(200)
    const auth = { type: 'm.login.password', user: alice.userId, password: alice.password }
    expect((await alice.delete('/devices/X', { auth })).status).to.equal(429)
  })
})
