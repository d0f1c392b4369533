import { expect } from 'chai'
import type { Graph } from '../../../server/graph/graph.ts'
import type { Call } from '../../../server/http/endpoint.ts'
import type { Slice, Tools } from '../../../server/slice.ts'
import { slidingSync } from '../../../server/sliding-sync/index.ts'
import { sync } from '../../../server/sync/index.ts'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const slices: Readonly<Record<string, (tools: Tools) => Slice>> = {
  '/sync': (tools) => sync(tools, () => []),
  'sliding sync': (tools) => slidingSync(tools, () => []),
}

for (const engine of engines) {
  describe(`What happens while an answer is made, on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    let people = 0
    beforeEach(async () => {
      alice = await server.register(`alice${people++}`)
      bob = await server.register(`bob${people++}`)
    })

    /** Bob's device, which reads from a graph that does something of its own once. */
    const reader = (name: string, of: (graph: Graph) => Partial<Graph>) => {
      const { home, people: accounts, graph } = server.server
      const { endpoints = [] } = slices[name]!({ home, people: accounts, graph: { ...graph, ...of(graph) } })
      const lists = { all: { ranges: [[0, 9]], timeline_limit: 10, required_state: [['*', '*']] } }
      return async (query: Record<string, string> = {}): Promise<Body> => {
        const call = {
          requester: { userId: bob.userId, deviceId: bob.deviceId, session: bob.deviceId, admin: false, service: undefined },
          query: new URLSearchParams(query),
          body: { lists },
          signal: new AbortController().signal,
        }
        return JSON.parse(String((await endpoints[0]?.handle(call as unknown as Call))?.body))
      }
    }
    const makeRoom = async (): Promise<string> => {
      const roomId = (await alice.post('/createRoom', { preset: 'public_chat', topic: 'open' })).body.room_id
      await bob.post(`/join/${roomId}`)
      return roomId
    }

    it('shows in sliding sync no invitation of somebody ignored that comes while lists are made', async () => {
      await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [alice.userId]: {} } })
      const roomId = (await alice.post('/createRoom', {})).body.room_id
      let isDone = false
      const read = reader('sliding sync', (graph) => ({
        lastActivity: async (roomIds) => {
          const found = await graph.lastActivity(roomIds)
          if (!isDone) await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
          isDone = true
          return found
        },
      }))
      const { rooms } = await read()
      expect(isDone).to.equal(true)
      expect((await server.server.graph.memberships(bob.userId)).get(roomId)?.membership).to.equal('invite')
      expect(rooms).to.deep.equal({})
    })

    for (const name of Object.keys(slices)) {
      it(`shows nobody by ${name} what a room says of itself after they were sent away`, async () => {
        const roomId = await makeRoom()
        let isDone = false
        const read = reader(name, (graph) => ({
          room: async (asked) => {
            if (!isDone) {
              isDone = true
              await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })
              await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'canary' })
            }
            return graph.room(asked)
          },
        }))
        const first = await read({ use_state_after: 'true' })
        const next = await read(name === '/sync' ? { since: first.next_batch } : { pos: first.pos })
        expect(isDone).to.equal(true)
        expect(JSON.stringify([first, next])).to.not.contain('canary')
      })

      it(`tells by ${name} of a room that is left while the user’s rooms are looked at`, async () => {
        const roomId = await makeRoom()
        // The rooms that are listened to are asked for first.
        let calls = Number.NEGATIVE_INFINITY
        const read = reader(name, (graph) => ({
          joinedRooms: async (userId) => {
            const before = await graph.joinedRooms(userId)
            if (++calls === 2) await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })
            return before
          },
        }))
        const first = await read()
        const from = (answer: Body): Record<string, string> => (name === '/sync' ? { since: answer.next_batch } : { pos: answer.pos })
        if (name === '/sync') await alice.put(`/rooms/${roomId}/send/m.room.message/m${people}`, { msgtype: 'm.text', body: 'hello' })
        calls = 0
        const second = await read(from(first))
        expect(calls).to.be.at.least(2)
        const third = await read(from(second))
        const told =
          name === '/sync' ? [second, third].map(({ rooms }) => rooms?.leave?.[roomId]) : [second, third].map(({ rooms }) => rooms[roomId])
        expect(told.filter((room) => room !== undefined)).to.have.length(1)
      })
    }
  })
}
