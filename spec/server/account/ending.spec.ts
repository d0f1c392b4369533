import { expect } from 'chai'
import type { UserId } from '../../../server/core/ids.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const auth = (user: TestUser, password = user.password) => ({
  auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user: user.userId }, password },
})

for (const engine of engines) {
  describe(`ends and changes of accounts (${engine})`, () => {
    let server: TestServer
    let count = 0
    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    const person = (of?: { admin?: boolean }) => server.register(`p${count++}`, of)
    const secondSession = async ({ userId }: TestUser, deviceId: string | null = null) => {
      const of = { userId, deviceId, displayName: undefined, refreshable: true }
      return (await server.server.people.createSession(of)).accessToken
    }
    const whoami = async (token: string) => (await server.as(token).get('/account/whoami')).status
    const login = async (user: UserId, password: string) =>
      (await server.anonymous.post('/login', { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password })).status
    const roomOf = async (user: TestUser, body: object = {}) =>
      (await user.post('/createRoom', { preset: 'public_chat', ...body })).body.room_id as string
    const send = async (user: TestUser, roomId: string, body: string) =>
      (await user.put(`/rooms/${roomId}/send/m.room.message/${count++}`, { msgtype: 'm.text', body })).body.event_id as string

    describe('another password', () => {
      it('needs the old one, keeps the session, ends all others', async () => {
        const alice = await person()
        const others = [await secondSession(alice, 'OTHER'), await secondSession(alice)]
        for (const token of others) expect(await whoami(token)).to.equal(200)
        expect((await alice.post('/account/password', { new_password: 'new' })).status).to.equal(401)
        expect((await alice.post('/account/password', { new_password: 'new', ...auth(alice, 'wrong') })).status).to.equal(401)
        expect((await alice.post('/account/password', { new_password: 'new', ...auth(alice) })).status).to.equal(200)
        expect([await login(alice.userId, alice.password), await login(alice.userId, 'new')]).to.deep.equal([403, 200])
        expect(await whoami(alice.token)).to.equal(200)
        for (const token of others) expect(await whoami(token)).to.equal(401)
        expect((await alice.get('/devices/OTHER')).status).to.equal(404)
      })
      it('leaves the other sessions when asked to', async () => {
        const alice = await person()
        const other = await secondSession(alice, 'OTHER')
        await alice.post('/account/password', { new_password: 'new', logout_devices: false, ...auth(alice) })
        expect([await whoami(other), await login(alice.userId, 'new')]).to.deep.equal([200, 200])
      })
      it('must be one', async () => {
        const alice = await person()
        for (const [wrong, errcode] of [
          [{}, 'M_MISSING_PARAM'],
          [{ new_password: '' }, 'M_MISSING_PARAM'],
          [{ new_password: 5 }, 'M_BAD_JSON'],
          [{ new_password: 'x', logout_devices: 'no' }, 'M_BAD_JSON'],
          [{ new_password: 'x'.repeat(600) }, 'M_INVALID_PARAM'],
        ] as const) {
          const { status, body } = await alice.post('/account/password', { ...wrong, ...auth(alice) })
          expect([status, body.errcode], JSON.stringify(wrong).slice(0, 50)).to.deep.equal([400, errcode])
        }
        expect((await server.anonymous.post('/account/password', { new_password: 'x' })).body.errcode).to.equal('M_MISSING_TOKEN')
      })
    })

    describe('deactivation', () => {
      it('ends sessions and logins, leaves rooms, and removes profile, account data and keys', async () => {
        const [alice, bob] = [await person(), await person()]
        const roomId = await roomOf(bob)
        const invited = await roomOf(bob, { preset: 'private_chat', invite: [alice.userId] })
        await alice.post(`/rooms/${roomId}/join`)
        await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice' })
        await alice.put(`/user/${alice.userId}/account_data/test`, { a: 1 })
        await alice.post('/room_keys/version', { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'abc' } })
        const forgotten: UserId[] = []
        server.server.people.onUserRemoved(async (userId) => void forgotten.push(userId))
        expect((await alice.post('/account/deactivate')).status).to.equal(401)
        expect((await alice.post('/account/deactivate', auth(alice, 'wrong'))).status).to.equal(401)
        const { status, body } = await alice.post('/account/deactivate', auth(alice))
        expect([status, body]).to.deep.equal([200, { id_server_unbind_result: 'success' }])
        expect(await whoami(alice.token)).to.equal(401)
        expect(await login(alice.userId, alice.password)).to.equal(403)
        expect(forgotten).to.deep.equal([alice.userId])
        for (const room of [roomId, invited]) {
          const member = await bob.get(`/rooms/${room}/state/m.room.member/${alice.userId}`)
          expect(member.body.membership, room).to.equal('leave')
        }
        expect((await bob.get(`/profile/${alice.userId}`)).status).to.equal(404)
        expect(await server.server.people.profile(alice.userId)).to.deep.equal({})
        expect(await server.server.people.deactivating()).to.deep.equal([])
        const of = { userId: alice.userId, deviceId: undefined, displayName: undefined, refreshable: false }
        const again = await server.server.people.createSession(of).catch((error) => error.errcode)
        expect(again).to.equal('M_USER_DEACTIVATED')
      })
      it('leaves the name taken, and nobody to be invited', async () => {
        const [alice, bob] = [await person(), await person()]
        await alice.post('/account/deactivate', auth(alice))
        const name = alice.userId.slice(1, alice.userId.indexOf(':'))
        const available = await server.anonymous.get('/register/available', { query: { username: name } })
        expect(available.body.errcode).to.equal('M_USER_IN_USE')
        const invited = await bob.post(`/rooms/${await roomOf(bob)}/invite`, { user_id: alice.userId })
        expect(invited.status).to.equal(404)
      })
      it('goes on after a crash in the middle', async () => {
        const [alice, bob] = [await person(), await person()]
        const roomId = await roomOf(bob)
        await alice.post(`/rooms/${roomId}/join`)
        await server.server.people.deactivate(alice.userId)
        expect(await server.server.people.deactivating()).to.deep.equal([alice.userId])
        server = await server.restart()
        while ((await server.server.people.deactivating()).length > 0) await new Promise((resolve) => setTimeout(resolve, 5))
        const state = await server.as(bob.token).get(`/rooms/${roomId}/state/m.room.member/${alice.userId}`)
        expect(state.body.membership).to.equal('leave')
      })
      it('with erasure shows the messages redacted to those who come later, and whole to those who were there', async () => {
        const [alice, bob, carol] = [await person(), await person(), await person()]
        const roomId = await roomOf(bob, { initial_state: [] })
        await alice.post(`/rooms/${roomId}/join`)
        const eventId = await send(alice, roomId, 'a secret')
        const other = await send(bob, roomId, 'no secret')
        await alice.post('/account/deactivate', { erase: true, ...auth(alice) })
        await carol.post(`/rooms/${roomId}/join`)
        const seenBy = async (user: TestUser, id: string) => (await user.get(`/rooms/${roomId}/event/${id}`)).body.content
        expect((await seenBy(bob, eventId)).body).to.equal('a secret')
        expect(await seenBy(carol, eventId)).to.deep.equal({})
        expect((await seenBy(carol, other)).body).to.equal('no secret')
        const { chunk } = (await carol.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '50' } })).body
        expect(JSON.stringify(chunk)).to.contain('no secret').and.not.contain('a secret')
        expect((await carol.get('/sync')).text).not.to.contain('a secret')
        server = await server.restart()
        const later = await server.as(carol.token).get(`/rooms/${roomId}/event/${eventId}`)
        expect(later.body.content).to.deep.equal({})
      })
      it('without erasure shows them to everybody as before', async () => {
        const [alice, bob, carol] = [await person(), await person(), await person()]
        const roomId = await roomOf(bob)
        await alice.post(`/rooms/${roomId}/join`)
        const eventId = await send(alice, roomId, 'a greeting')
        await alice.post('/account/deactivate', auth(alice))
        await carol.post(`/rooms/${roomId}/join`)
        expect((await carol.get(`/rooms/${roomId}/event/${eventId}`)).body.content.body).to.equal('a greeting')
      })
      it('refuses an erase that is neither true nor false', async () => {
        const alice = await person()
        expect((await alice.post('/account/deactivate', { erase: 'yes', ...auth(alice) })).body.errcode).to.equal('M_BAD_JSON')
        expect(await whoami(alice.token)).to.equal(200)
      })
    })
  })
}
