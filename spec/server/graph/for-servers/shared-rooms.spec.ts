import { expect } from 'chai'
import type { RoomId, UserId } from '../../../../server/core/ids.ts'
import { createSharedRooms } from '../../../../server/graph/for-servers/shared-rooms.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../../support/server.ts'
import { putMember } from '../../edus.ts'

for (const engine of engines) {
  describe(`rooms that are shared with other servers on ${engine}`, () => {
    let server: TestServer | undefined
    let alice: TestUser
    before(async function () {
      server = await startServer({ engine })
      if (server === undefined) return this.skip()
      alice = await server.register('alice')
    })
    after(() => server?.close())

    const makeRoom = async (): Promise<RoomId> => (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    const put = (roomId: RoomId, userId: UserId, membership = 'join') => putMember(server!, roomId, userId, membership)

    it('are told from those that are not, from the moment on when somebody comes and until the last has gone', async () => {
      const rooms = await Promise.all(Array.from({ length: 45 }, makeRoom))
      const { graph } = server!.server
      expect(await graph.sharedRooms(rooms)).to.deep.equal([])
      await put(rooms[3]!, '@bea:elsewhere.test')
      await put(rooms[44]!, '@bea:elsewhere.test')
      expect((await graph.sharedRooms(rooms)).sort()).to.deep.equal([rooms[3], rooms[44]].sort())
      await put(rooms[3]!, '@bea:elsewhere.test', 'leave')
      expect(await graph.sharedRooms(rooms)).to.deep.equal([rooms[44]])
      expect(await createSharedRooms(server!.server.home)(rooms), 'after a restart').to.deep.equal([rooms[44]])
    })

    it('are not those where users of other servers are invited, or have names like those of this one', async () => {
      const room = await makeRoom()
      await alice.post(`/rooms/${room}/join`)
      await server!.server.graph.append(room, [
        { type: 'm.room.member', stateKey: '@bea:elsewhere.test', sender: alice.userId, content: { membership: 'invite' } },
      ])
      expect(await server!.server.graph.sharedRooms([room])).to.deep.equal([])
      await put(room, '@x:other.hs.test')
      expect(await server!.server.graph.sharedRooms([room])).to.deep.equal([room])
    })

    it('are looked up once, and again only when somebody comes or goes', async () => {
      const room = await makeRoom()
      const { home } = server!.server
      let reads = 0
      const select: typeof home.database.select = (of, ...parameters) => {
        reads++
        return home.database.select(of, ...parameters)
      }
      const sharedRooms = createSharedRooms({ ...home, database: { ...home.database, select } })
      await sharedRooms([room])
      await sharedRooms([room])
      await alice.put(`/rooms/${room}/send/m.room.message/1`, { body: 'x' })
      await sharedRooms([room])
      expect(reads).to.equal(1)
      await put(room, '@bea:elsewhere.test')
      expect(await sharedRooms([room])).to.deep.equal([room])
      expect(reads).to.equal(2)
    })
  })
}
