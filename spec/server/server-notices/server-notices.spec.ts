import { expect } from 'chai'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const path = '/_synapse/admin/v1/send_server_notice'

for (const engine of engines) {
  describe(`server notices (${engine})`, () => {
    let server: TestServer
    let admin: TestUser
    let alice: TestUser
    let count = 0
    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      admin = await server.register('admin', { admin: true })
    })
    after(() => server?.close())
    beforeEach(async () => {
      alice = await server.register(`alice${count++}`)
    })
    const notice = (body: string) => ({ user_id: alice.userId, content: { msgtype: 'm.text', body } })
    const invited = async () => Object.keys((await alice.get('/sync')).body.rooms?.invite ?? {})
    const messages = async (roomId: string) => {
      const { chunk } = (await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '50' } })).body
      return chunk
        .filter(({ type }: { type: string }) => type === 'm.room.message')
        .map((event: { content: { body: string } }) => event.content.body)
    }

    it('come in a room of their own, which is tagged, and whose invitation cannot be declined', async () => {
      const { status, body } = await admin.post(path, notice('hello'))
      expect([status, typeof body.event_id]).to.deep.equal([200, 'string'])
      const [roomId] = await invited()
      const declined = await alice.post(`/rooms/${roomId}/leave`)
      expect([declined.status, declined.body.errcode]).to.deep.equal([403, 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM'])
      await alice.post(`/rooms/${roomId}/join`)
      expect(await messages(roomId!)).to.deep.equal(['hello'])
      const { tags } = (await alice.get(`/user/${alice.userId}/rooms/${roomId}/tags`)).body
      expect(tags).to.have.key('m.server_notice')
      const { sender } = (await alice.get(`/rooms/${roomId}/event/${body.event_id}`)).body
      expect(sender).to.equal('@_server:hs.test')
      expect((await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'x', msgtype: 'm.text' })).status).to.equal(403)
    })
    it('go on in the same room after it was left', async () => {
      await admin.post(path, notice('one'))
      const [roomId] = await invited()
      await alice.post(`/rooms/${roomId}/join`)
      expect((await alice.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
      await admin.post(path, notice('two'))
      expect(await invited()).to.deep.equal([roomId])
      await alice.post(`/rooms/${roomId}/join`)
      expect(await messages(roomId!)).to.deep.equal(['two', 'one'])
    })
    it('come once for a transaction, and in one room when they are sent at once', async () => {
      const put = (txnId: string) => admin.put(`${path}/${txnId}`, notice('hello'))
      const [one, two] = [await put('same'), await put('same')]
      expect(one.body).to.deep.equal(two.body)
      const bob = await server.register(`bob${count++}`)
      const sent = await Promise.all(
        [1, 2, 3].map(() => admin.post(path, { user_id: bob.userId, content: { body: 'x', msgtype: 'm.text' } })),
      )
      expect(sent.map(({ status }) => status)).to.deep.equal([200, 200, 200])
      expect(Object.keys((await bob.get('/sync')).body.rooms.invite)).to.have.length(1)
    })
    it('reach suspended accounts', async () => {
      await server.server.people.setStanding(alice.userId, { suspended: true })
      expect((await admin.post(path, notice('you are suspended'))).status).to.equal(200)
      expect(await invited()).to.have.length(1)
    })
    it('are sent by administrators, to people of this server', async () => {
      expect((await alice.post(path, notice('x'))).body.errcode).to.equal('M_FORBIDDEN')
      for (const [body, errcode] of [
        [{}, 'M_MISSING_PARAM'],
        [{ user_id: alice.userId }, 'M_MISSING_PARAM'],
        [{ ...notice('x'), user_id: 'nonsense' }, 'M_INVALID_PARAM'],
        [{ ...notice('x'), user_id: '@a:elsewhere.test' }, 'M_INVALID_PARAM'],
        [{ ...notice('x'), user_id: '@nobody:hs.test' }, 'M_NOT_FOUND'],
        [{ ...notice('x'), content: 'x' }, 'M_BAD_JSON'],
        [{ ...notice('x'), type: 5 }, 'M_BAD_JSON'],
      ] as const) {
        expect((await admin.post(path, body)).body.errcode, JSON.stringify(body)).to.equal(errcode)
      }
    })
  })
}
