import { expect } from 'chai'
import type { UserId } from '../../../server/core/ids.ts'
import type { Clock } from '../../../server/home.ts'
import { engines, startServer, type TestServer, untilAborted } from '../../support/server.ts'

for (const engine of engines) {
  describe(`sessions (${engine})`, () => {
    const userId: UserId = '@alice:hs.test'
    let server: TestServer
    let now: number
    before(async function () {
      now = 1_000_000
      const clock: Clock = { now: () => now, sleep: untilAborted }
      const started = await startServer({ engine, overrides: { clock } })
      if (!started) return this.skip()
      server = started
      await server.register('alice')
    })
    after(() => server?.close())

    const whoami = async (token: string) => (await server.as(token).get('/account/whoami')).status
    const login = async (of: Record<string, unknown> = {}) => {
      const identifier = { type: 'm.id.user', user: 'alice' }
      return (await server.anonymous.post('/login', { type: 'm.login.password', identifier, password: 'a password of a test', ...of })).body
    }
    const refresh = (token: string) => server.anonymous.post('/refresh', { refresh_token: token })

    it('end with their device at logout', async () => {
      const { access_token, device_id } = await login()
      expect(await whoami(access_token)).to.equal(200)
      expect((await server.as(access_token).post('/logout')).status).to.equal(200)
      expect(await whoami(access_token)).to.equal(401)
      expect(await server.server.people.device(userId, device_id)).to.equal(undefined)
    })
    it('take a device over, whose older session ends', async () => {
      const first = await login({ device_id: 'PHONE', initial_device_display_name: 'First' })
      await whoami(first.access_token)
      const second = await login({ device_id: 'PHONE', initial_device_display_name: 'Second' })
      expect([await whoami(first.access_token), await whoami(second.access_token)]).to.deep.equal([401, 200])
      expect((await server.server.people.device(userId, 'PHONE'))?.displayName).to.equal('First')
    })
    it('may have no device', async () => {
      const { accessToken } = await server.server.people.createSession({
        userId,
        deviceId: null,
        displayName: undefined,
        refreshable: false,
      })
      expect((await server.as(accessToken).get('/account/whoami')).body).to.deep.equal({ user_id: userId, is_guest: false })
    })
    it('expire, and say that the client may keep its data', async () => {
      const { access_token, expires_in_ms } = await login({ refresh_token: true })
      expect(await whoami(access_token)).to.equal(200)
      now += expires_in_ms
      const { status, body } = await server.as(access_token).get('/account/whoami')
      expect([status, body.errcode, body.soft_logout]).to.deep.equal([401, 'M_UNKNOWN_TOKEN', true])
    })
    it('go on with new tokens: the old ones are good until a new one is used, and then no more', async () => {
      const first = await login({ refresh_token: true })
      const second = (await refresh(first.refresh_token)).body
      expect(await whoami(first.access_token)).to.equal(200)
      expect(await whoami(second.access_token)).to.equal(200)
      expect(await whoami(first.access_token)).to.equal(401)
    })
    it('give tokens again when the answer with them was lost', async () => {
      const first = await login({ refresh_token: true })
      const lost = (await refresh(first.refresh_token)).body
      const second = (await refresh(first.refresh_token)).body
      expect(await whoami(lost.access_token)).to.equal(401)
      expect(await whoami(second.access_token)).to.equal(200)
      expect((await refresh(lost.refresh_token)).status).to.equal(401)
      expect(await whoami(second.access_token)).to.equal(200)
    })
    it('end when a refresh token comes back after its successor was used', async () => {
      const first = await login({ refresh_token: true })
      const second = (await refresh(first.refresh_token)).body
      const third = (await refresh(second.refresh_token)).body
      expect(await whoami(third.access_token)).to.equal(200)
      const { status, body } = await refresh(first.refresh_token)
      expect([status, body.errcode]).to.deep.equal([401, 'M_UNKNOWN_TOKEN'])
      expect(await whoami(third.access_token)).to.equal(401)
      expect((await refresh(third.refresh_token)).status).to.equal(401)
    })
    it('all end at once', async () => {
      const tokens = [(await login()).access_token, (await login()).access_token]
      for (const token of tokens) expect(await whoami(token)).to.equal(200)
      await server.as(tokens[0]).post('/logout/all')
      for (const token of tokens) expect(await whoami(token)).to.equal(401)
      expect(await server.server.people.devices(userId)).to.deep.equal([])
    })
    it('are told which slices keep something for a device that is removed', async () => {
      const forgotten: string[] = []
      server.server.people.onDeviceRemoved(async (_, deviceId) => void forgotten.push(deviceId))
      await login({ device_id: 'ONE' })
      await login({ device_id: 'TWO' })
      await server.server.people.removeDevices(userId, ['ONE', 'TWO', 'NEVER'])
      expect(forgotten).to.deep.equal(['ONE', 'TWO'])
    })
    it('leave no token in the database or the log, and survive a restart', async () => {
      const { access_token } = await login()
      server = await server.restart()
      expect(await whoami(access_token)).to.equal(200)
      expect(server.log()).not.to.contain(access_token)
    })
  })
}
