import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { presence } from '../../../server/presence/index.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { putMember, type Speaking, speakAs } from '../edus.ts'

const bea = '@bea:elsewhere.test'

for (const engine of engines) {
  describe(`presence across servers on ${engine}`, () => {
    let server: TestServer | undefined
    let alice: TestUser
    let roomId: RoomId
    let speaking: Speaking
    before(async function () {
      server = await startServer({ engine, config: { presence: { enabled: true } } })
      if (server === undefined) return this.skip()
      alice = await server.register('alice')
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await putMember(server, roomId, bea)
      speaking = speakAs(server, presence)
    })
    after(() => server?.close())

    const hear = (push: unknown, origin = 'elsewhere.test') => speaking.receive('m.presence', { push } as never, origin)
    const saying = (of: object = {}) => ({ user_id: bea, presence: 'online', last_active_ago: 1000, ...of })
    /** Once everything handed to the database before has been written. */
    async function shown(userId = bea): Promise<Body> {
      await server!.server.home.database.commit({ writes: [] })
      return (await alice.get(`/presence/${encodeURIComponent(userId)}/status`)).body
    }

    const ignored: Readonly<Record<string, () => Promise<void>>> = {
      'of a user of another server': () => hear([saying()], 'other.test'),
      'in another form': () => hear({ 0: saying() }),
      'of what is no user': () => hear([saying({ user_id: 7 }), null, 'x', []]),
      'in words of its own': () => hear([saying({ presence: 'asleep' })]),
    }
    for (const [words, say] of Object.entries(ignored)) {
      it(`leaves out what is said ${words}`, async () => {
        await say()
        expect((await shown()).presence).to.equal('offline')
      })
    }

    it('leaves out users that are in no room of this server', async () => {
      await hear([saying({ user_id: '@nobody:elsewhere.test' }), saying()])
      await server!.server.home.database.commit({ writes: [] })
      await putMember(server!, roomId, '@nobody:elsewhere.test')
      expect((await shown('@nobody:elsewhere.test')).presence).to.equal('offline')
      expect((await shown()).presence).to.equal('online')
    })

    it('listens no further to a server that speaks of very many strangers', async () => {
      const strangers = Array.from({ length: 60 }, (_, n) => saying({ user_id: `@stranger${n}:elsewhere.test` }))
      await hear([...strangers, saying({ presence: 'unavailable' })])
      expect((await shown()).presence).to.equal('online')
    })

    it('comes with /sync, with its message, which is taken back', async () => {
      await hear([saying({ status_msg: 'at sea', last_active_ago: 60_000 })])
      await shown()
      const { body } = await alice.get('/sync')
      const event = body.presence.events.find(({ sender }: Body) => sender === bea)
      expect(event.content).to.include({ presence: 'online', status_msg: 'at sea', currently_active: true })
      expect(event.content.last_active_ago).to.be.at.least(60_000)
      const waiting = alice.get('/sync', { query: { since: body.next_batch, timeout: '170000' } })
      await hear([saying({ presence: 'unavailable', status_msg: 'x'.repeat(5000) })])
      const news = (await waiting).body.presence.events.find(({ sender }: Body) => sender === bea)
      expect(news.content.presence).to.equal('unavailable')
      expect(news.content).not.to.have.property('status_msg')
    })

    it('takes no times that are none', async () => {
      for (const ago of [-5, 'x', 1e300, Number.MAX_SAFE_INTEGER, null]) {
        await hear([saying({ last_active_ago: ago, presence: 'online', status_msg: String(ago) })])
        expect((await shown()).last_active_ago, String(ago))
          .to.be.at.least(0)
          .and.at.most(Date.now())
      }
    })

    it('tells a server that comes into a room who is there, and the servers of a room who comes', async () => {
      const flush = () => server!.server.home.database.commit({ writes: [] })
      await alice.put(`/presence/${alice.userId}/status`, { presence: 'online' })
      await flush()
      await speaking.told()
      await putMember(server!, roomId, '@cem:third.test')
      const [first, ...rest] = (await speaking.told()) as Body[]
      expect(rest).to.deep.equal([])
      expect({ servers: first.servers, users: first.content.push.map((one: Body) => one.user_id) }).to.deep.equal({
        servers: ['third.test'],
        users: [alice.userId],
      })
      await putMember(server!, roomId, '@dor:third.test')
      expect(await speaking.told(), 'a second one of a server').to.deep.equal([])
      const carol = await server!.register('carol')
      await carol.post(`/rooms/${roomId}/join`)
      expect(await speaking.told(), 'one who is not there').to.deep.equal([])
      const dan = await server!.register('dan')
      await dan.put(`/presence/${dan.userId}/status`, { presence: 'online' })
      await flush()
      await speaking.told()
      await dan.post(`/rooms/${roomId}/join`)
      const told = (await speaking.told()) as Body[]
      expect(told.map(({ servers, content }) => [servers, content.push[0].user_id])).to.deep.equal([
        [['elsewhere.test', 'third.test'], dan.userId],
      ])
      for (const one of ['@cem:third.test', '@dor:third.test'] as const) await putMember(server!, roomId, one, 'leave')
    })

    it('tells the servers with which a user shares rooms, and no others', async () => {
      const bob = await server!.register('bob')
      await bob.post('/createRoom')
      const there = async (user: TestUser, of: object) => {
        await user.put(`/presence/${user.userId}/status`, of)
        await server!.server.home.database.commit({ writes: [] })
      }
      await speaking.told()
      await hear([saying({ presence: 'unavailable' })])
      await there(bob, { presence: 'online' })
      await there(alice, { presence: 'unavailable', status_msg: 'busy' })
      const told = await speaking.told()
      expect(told).to.have.length(1)
      const [{ content, ...rest }] = told as [Body]
      expect(rest).to.deep.equal({ type: 'm.presence', servers: ['elsewhere.test'], key: `presence ${alice.userId}` })
      expect(content.push).to.have.length(1)
      expect(content.push[0]).to.include({ user_id: alice.userId, presence: 'unavailable', status_msg: 'busy', currently_active: false })
      expect(content.push[0].last_active_ago).to.be.a('number')
    })
  })
}

describe('presence across servers where it is switched off', () => {
  it('is neither told nor heard', async () => {
    const server = await startServer()
    const { edus, broadcasts } = presence(server.server)
    expect({ edus, broadcasts }).to.deep.equal({ edus: undefined, broadcasts: undefined })
    await server.close()
  })
})
