import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import { statesText } from '../../../server/search/surroundings.ts'
import { engines, startServer, type TestServer } from '../../support/server.ts'

for (const engine of engines) {
  describe(`The state beside search results on ${engine}`, () => {
    let server: TestServer
    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())

    it('is not the present one for who was banned, also where the memory of memberships does not know it yet', async () => {
      const [alice, bob] = [await server.register('alice'), await server.register('bob')]
      const roomId: RoomId = (await alice.post('/createRoom', { preset: 'public_chat', topic: 'open' })).body.room_id
      await bob.post(`/join/${roomId}`)
      const sent = await bob.put(`/rooms/${roomId}/send/m.room.message/t`, { msgtype: 'm.text', body: 'hello' })
      const { graph } = server.server
      const before = new Map(await graph.memberships(bob.userId))
      await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
      await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'canary' })
      const seen = await graph.visibleEvent(roomId, sent.body.event_id as EventId, bob.userId)
      const states = await statesText({ ...graph, memberships: async () => before }, [seen], bob.userId, 0)
      expect(states).to.contain('open').and.not.contain('canary')
    })
  })
}
