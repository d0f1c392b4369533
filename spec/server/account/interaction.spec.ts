import { expect } from 'chai'
import type { Clock } from '../../../server/home.ts'
import { engines, startServer, type TestServer, type TestUser, untilAborted } from '../../support/server.ts'

const terms = [{ id: 'privacy_policy', version: '2', language: 'en', name: 'Privacy', url: 'https://hs.test/privacy' }]

for (const engine of engines) {
  describe(`user-interactive authentication (${engine})`, () => {
    let server: TestServer
    let alice: TestUser
    let now: number
    before(async function () {
      now = 1_000_000
      const clock: Clock = { now: () => now, sleep: untilAborted }
      const started = await startServer({ engine, overrides: { clock }, config: { registration: { token_required: true, terms } } })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
    })
    after(() => server?.close())

    const register = (body: object) => server.anonymous.post('/register', body)
    const newToken = async (uses = 1) => {
      const admin = await server.register(`admin${Math.floor(now++)}`, { admin: true })
      return (await admin.post('/_synapse/admin/v1/registration_tokens/new', { uses_allowed: uses })).body.token
    }
    const byToken = (token: string, session?: string) => ({ type: 'm.login.registration_token', token, session })
    const agree = (session: string) => ({ type: 'm.login.terms', session })
    const proof = (user: TestUser, session?: string) => ({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: user.userId },
      password: user.password,
      session,
    })
    const fallback = (type: string, form: Record<string, string>) =>
      server.anonymous.post(`/auth/${type}/fallback/web`, new URLSearchParams(form).toString(), {
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      })

    it('leads over several stages, tells the policies, and says what is completed', async () => {
      const wanted = { username: 'bob', password: 'secret' }
      const asked = await register(wanted)
      expect(asked.body.flows).to.deep.equal([{ stages: ['m.login.registration_token', 'm.login.terms'] }])
      expect(asked.body.params['m.login.terms'].policies).to.deep.equal({
        privacy_policy: { version: '2', en: { name: 'Privacy', url: 'https://hs.test/privacy' } },
      })
      const { session } = asked.body
      const half = await register({ ...wanted, auth: byToken(await newToken(), session) })
      expect([half.status, half.body.completed, half.body.session]).to.deep.equal([401, ['m.login.registration_token'], session])
      expect(half.body).not.to.have.property('errcode')
      const made = await register({ ...wanted, auth: agree(session) })
      expect([made.status, made.body.user_id]).to.deep.equal([200, '@bob:hs.test'])
      const again = await register({ ...wanted, username: 'bob2', auth: agree(session) })
      expect([again.status, again.body.completed]).to.deep.equal([401, ['m.login.terms']])
    })
    it('does not let the request change after a stage was completed', async () => {
      const { session } = (await register({})).body
      const token = await newToken()
      expect((await register({ username: 'carol', password: 'x', auth: byToken(token, session) })).status).to.equal(401)
      const changed = await register({ username: 'mallory', password: 'x', auth: agree(session) })
      expect([changed.status, changed.body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
      expect((await register({ username: 'carol', password: 'x', auth: agree(session) })).status).to.equal(200)
    })
    it('uses a registration token once, however many sessions it opened', async () => {
      const token = await newToken(1)
      const sessions = await Promise.all(['d1', 'd2'].map(async () => (await register({})).body.session as string))
      for (const [at, session] of sessions.entries()) {
        await register({ username: `d${at}`, password: 'x', auth: byToken(token, session) })
      }
      const answers = await Promise.all(
        sessions.map((session, at) => register({ username: `d${at}`, password: 'x', auth: agree(session) })),
      )
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 401])
    })
    it('takes no session of another operation, device or user', async () => {
      const bob = await server.register('bobby')
      const { session } = (await alice.delete('/devices/ONE')).body
      const elsewhere = [
        alice.delete('/devices/TWO', { auth: proof(alice, session) }),
        alice.post('/delete_devices', { devices: ['ONE'], auth: proof(alice, session) }),
        alice.post('/account/deactivate', { auth: proof(alice, session) }),
        bob.delete('/devices/ONE', { auth: proof(bob, session) }),
        register({ username: 'x', password: 'x', auth: agree(session) }),
      ]
      for (const { status, body } of await Promise.all(elsewhere)) expect([status, body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
      expect((await alice.delete('/devices/ONE', { auth: proof(alice, session) })).status).to.equal(200)
    })
    it('takes no session that it did not give, that was changed or that is old', async () => {
      const { session } = (await alice.delete('/devices/ONE')).body
      for (const wrong of ['s', '', `${session}x`, session.replace(/^./, 'z'), 'x'.repeat(5000)]) {
        const { status, body } = await alice.delete('/devices/ONE', { auth: proof(alice, wrong) })
        expect([status, body.errcode]).to.deep.equal([401, 'M_UNKNOWN'])
        expect(body.session).not.to.equal(wrong)
      }
      now += 2 * 3_600_000
      expect((await alice.delete('/devices/ONE', { auth: proof(alice, session) })).status).to.equal(401)
    })
    it('takes names in the older spelling, without a session too, and no third-party identifiers', async () => {
      const { password } = alice
      const type = 'm.login.password'
      for (const auth of [{ type, user: 'alice', password }, { type, user: '@alice:hs.test', password }, proof(alice)]) {
        expect((await alice.delete('/devices/GONE', { auth })).status, JSON.stringify(auth)).to.equal(200)
      }
      const thirdParty = { type: 'm.id.thirdparty', medium: 'email', address: 'alice@hs.test' }
      const refused = await alice.delete('/devices/GONE', { auth: { type, identifier: thirdParty, password } })
      expect([refused.status, refused.body.errcode]).to.deep.equal([401, 'M_FORBIDDEN'])
    })
    it('answers 400 for an auth that is no object', async () => {
      for (const auth of [[], 'x', 5, true]) expect((await alice.delete('/devices/ONE', { auth })).body.errcode).to.equal('M_BAD_JSON')
      expect((await alice.delete('/devices/ONE', { auth: null })).status).to.equal(401)
    })
    it('may be completed on fallback pages, which run one script of their own and tell nothing secret', async () => {
      const { session } = (await register({})).body
      const page = await server.anonymous.get('/auth/m.login.terms/fallback/web', { query: { session } })
      expect(page.text).to.contain('https://hs.test/privacy')
      expect(page.headers.get('content-security-policy')).to.match(/default-src 'none'.*frame-ancestors 'none'/)
      expect(page.headers.get('content-security-policy')).not.to.contain('unsafe')
      expect((await fallback('m.login.terms', { session })).status).to.equal(403)
      const done = await fallback('m.login.terms', { session, agree: 'yes' })
      expect([done.status, done.text.includes('onAuthDone')]).to.deep.equal([200, true])
      expect(done.headers.get('content-security-policy')).to.match(/script-src 'sha256-/)
      const token = await newToken()
      expect((await fallback('m.login.registration_token', { session, token: 'wrong' })).status).to.equal(403)
      expect((await fallback('m.login.registration_token', { session, token })).status).to.equal(200)
      const made = await register({ username: 'fay', password: 'x', auth: { session } })
      expect(made.body.user_id).to.equal('@fay:hs.test')
    })
    it('has a page for the password, which proves the request that the session was begun for', async () => {
      const devices = ['ONE']
      const { session } = (await alice.post('/delete_devices', { devices })).body
      const eve = await server.register(`eve${now++}`)
      await fallback('m.login.password', { session, user: eve.userId, password: eve.password })
      expect((await alice.post('/delete_devices', { devices, auth: { session } })).status).to.equal(401)
      expect((await fallback('m.login.password', { session, user: 'alice', password: 'wrong' })).status).to.equal(403)
      expect((await fallback('m.login.password', { session, user: 'alice', password: alice.password })).status).to.equal(200)
      expect((await alice.post('/delete_devices', { devices: ['ONE', 'TWO'], auth: { session } })).status).to.equal(403)
      expect((await alice.post('/delete_devices', { devices, auth: { session } })).status).to.equal(200)
      expect((await alice.post('/delete_devices', { devices, auth: { session } })).status).to.equal(401)
    })
    it('has no page for what it does not ask, or without a session', async () => {
      const { session } = (await register({})).body
      for (const type of ['m.login.dummy', 'm.login.email.identity', 'nonsense', '%3Cscript%3E']) {
        const { status, body } = await server.anonymous.get(`/auth/${type}/fallback/web`, { query: { session } })
        expect([status, body.errcode], type).to.deep.equal([404, 'M_UNRECOGNIZED'])
      }
      const unknown = await server.anonymous.get('/auth/m.login.terms/fallback/web', { query: { session: '"><script>alert(1)</script>' } })
      expect([unknown.status, unknown.text.includes('alert(1)')]).to.deep.equal([400, false])
      expect((await fallback('m.login.terms', { session: 'x', agree: 'yes' })).status).to.equal(400)
    })
    it('goes on after a restart', async () => {
      const { session } = (await register({})).body
      const wanted = { username: 'gus', password: 'x' }
      await register({ ...wanted, auth: byToken(await newToken(), session) })
      server = await server.restart()
      expect((await register({ ...wanted, auth: agree(session) })).status).to.equal(200)
    })
  })
}
