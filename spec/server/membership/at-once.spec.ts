import { expect } from 'chai'
import { type Body, startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('The same request many times at once', () => {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string

  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
    bob = await server.register('bob')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
  })
  after(() => server.close())

  const many = <T>(ask: (at: number) => Promise<T>) => Promise.all(Array.from({ length: 10 }, (_, at) => ask(at)))
  const statuses = (answers: { status: number }[]) => [...new Set(answers.map(({ status }) => status))]
  const eventIds = (answers: { body: Body }[]) => new Set(answers.map(({ body }) => body.event_id)).size

  it('joins once and leaves once', async () => {
    expect(statuses(await many(() => bob.post(`/rooms/${roomId}/join`)))).to.deep.equal([200])
    expect(statuses(await many(() => bob.post(`/rooms/${roomId}/leave`)))).to.deep.equal([200])
    const { chunk } = (await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'f', limit: '100' } })).body
    const memberships = chunk.filter((event: Body) => event.state_key === bob.userId).map((event: Body) => event.content.membership)
    expect(memberships).to.deep.equal(['join', 'leave'])
  })

  it('sets a state once, and sends a transaction once', async () => {
    expect(eventIds(await many(() => alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'one' })))).to.equal(1)
    expect(eventIds(await many(() => alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'x' })))).to.equal(1)
  })

  it('redacts once, and says so alike from memory and from disk', async () => {
    const target = (await alice.put(`/rooms/${roomId}/send/m.room.message/2`, { body: 'x' })).body.event_id
    await many((at) => alice.put(`/rooms/${roomId}/redact/${target}/r${at}`, {}))
    const because = ({ unsigned }: Body) => unsigned.redacted_because.event_id
    const filter = JSON.stringify({ room: { timeline: { limit: 50 } } })
    const { timeline } = (await alice.get('/sync', { query: { filter } })).body.rooms.join[roomId]
    const told = timeline.events.find((event: Body) => event.event_id === target)
    expect(because(told)).to.equal(because((await alice.get(`/rooms/${roomId}/event/${target}`)).body))
  })
})
