import { expect } from 'chai'
import type { Clock } from '../../../server/home.ts'
import { engines, startServer, type TestServer, type TestUser, untilAborted } from '../../support/server.ts'

for (const engine of engines) {
  describe(`tokens of a single purpose (${engine})`, () => {
    let server: TestServer
    let alice: TestUser
    let now: number
    before(async function () {
      now = 1_000_000
      const clock: Clock = { now: () => now, sleep: untilAborted }
      const started = await startServer({ engine, overrides: { clock } })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
    })
    after(() => server?.close())
    const auth = () => ({ type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: alice.password })
    const getToken = () => alice.post('/_matrix/client/v1/login/get_token', { auth: auth() })
    const logIn = (token: unknown) => server.anonymous.post('/login', { type: 'm.login.token', token })

    it('log in on another device, once, after the password was given', async () => {
      expect((await alice.post('/_matrix/client/v1/login/get_token')).status).to.equal(401)
      const { login_token, expires_in_ms } = (await getToken()).body
      expect(expires_in_ms).to.equal(300_000)
      const answers = await Promise.all([logIn(login_token), logIn(login_token)])
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 403])
      const { body } = answers.find(({ status }) => status === 200)!
      expect([body.user_id, body.device_id === alice.deviceId]).to.deep.equal([alice.userId, false])
    })
    it('are no good when they are old, made up, or their account is no more', async () => {
      const { login_token } = (await getToken()).body
      now += 300_000
      for (const token of [login_token, '', 'made up', alice.token]) {
        const { status, body } = await logIn(token)
        expect([status, body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
      }
      expect((await logIn(undefined)).body.errcode).to.equal('M_MISSING_PARAM')
      expect((await logIn(5)).body.errcode).to.equal('M_BAD_JSON')
    })
    it('end with another password', async () => {
      const bob = await server.register('bob')
      const proof = { auth: { type: 'm.login.password', user: 'bob', password: bob.password } }
      const { login_token } = (await bob.post('/_matrix/client/v1/login/get_token', proof)).body
      await bob.post('/account/password', { new_password: 'new', ...proof })
      expect((await logIn(login_token)).status).to.equal(403)
    })
    it('are no access tokens', async () => {
      const { login_token } = (await getToken()).body
      expect((await server.as(login_token).get('/account/whoami')).body.errcode).to.equal('M_UNKNOWN_TOKEN')
    })

    describe('of openid', () => {
      const userInfo = (token?: string) =>
        server.anonymous.get('/_matrix/federation/v1/openid/userinfo', { query: token === undefined ? {} : { access_token: token } })
      const request = (user: TestUser) => user.post(`/user/${alice.userId}/openid/request_token`)

      it('tell others who somebody is, for an hour', async () => {
        const { body } = await request(alice)
        expect(body).to.deep.include({ token_type: 'Bearer', matrix_server_name: 'hs.test', expires_in: 3600 })
        expect((await userInfo(body.access_token)).body).to.deep.equal({ sub: alice.userId })
        expect((await server.as(body.access_token).get('/account/whoami')).status).to.equal(401)
        now += 3_600_000
        expect((await userInfo(body.access_token)).body.errcode).to.equal('M_UNKNOWN_TOKEN')
      })
      it('are for oneself alone, and nothing else is one', async () => {
        const carol = await server.register('carol')
        expect((await request(carol)).body.errcode).to.equal('M_FORBIDDEN')
        for (const token of ['made up', alice.token]) expect((await userInfo(token)).body.errcode).to.equal('M_UNKNOWN_TOKEN')
        expect((await userInfo()).body.errcode).to.equal('M_MISSING_TOKEN')
      })
      it('end with the account', async () => {
        const dave = await server.register('dave')
        const { access_token } = (await dave.post(`/user/${dave.userId}/openid/request_token`)).body
        expect((await userInfo(access_token)).status).to.equal(200)
        await dave.post('/account/deactivate', { auth: { type: 'm.login.password', user: 'dave', password: dave.password } })
        expect((await userInfo(access_token)).status).to.equal(401)
      })
    })
  })
}
