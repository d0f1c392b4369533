import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../support/server.ts'

for (const engine of engines) describe(`where servers are known to be wrong, on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let count = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${++count}`)
    bob = await server.register(`bob${count}`)
    roomId = await room()
  })

  const room = async (body: object = { preset: 'public_chat' }): Promise<string> => (await alice.post('/createRoom', body)).body.room_id
  const send = (user: TestUser, txn: string, body = 'x', at = roomId, type = 'm.room.message') =>
    user.put(`/rooms/${at}/send/${type}/${txn}`, { msgtype: 'm.text', body })
  const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]
  const texts = (events: Body[]) => events.flatMap(({ type, content }) => (type === 'm.room.message' ? [content.body] : []))

  it('a transaction id belongs to its path: the first event is answered there, another one made elsewhere', async () => {
    const first = (await send(alice, 't')).body.event_id
    expect((await send(alice, 't', 'other words')).body.event_id).to.equal(first)
    const others = [await send(alice, 't', 'x', await room()), await send(alice, 't', 'x', roomId, 'org.test')]
    const ids = [first, ...others.map(({ body }) => body.event_id)]
    expect(new Set(ids).size).to.equal(3)
  })

  it('a state that stands already is not set again, but nobody who has left is told so', async () => {
    const path = `/rooms/${roomId}/state/org.test/key`
    await bob.post(`/join/${roomId}`)
    await alice.put(`/rooms/${roomId}/state/m.room.power_levels`, {
      ...(await alice.get(`/rooms/${roomId}/state/m.room.power_levels`)).body,
      state_default: 0,
    })
    const { event_id } = (await bob.put(path, { a: 1, b: [2] })).body
    expect((await bob.put(path, { b: [2], a: 1 })).body.event_id).to.equal(event_id)
    expect((await alice.put(path, { a: 1, b: [2] })).body.event_id).to.not.equal(event_id)
    expect((await bob.put(path, { mine: true })).status).to.equal(200)
    await bob.post(`/rooms/${roomId}/leave`)
    expect(code(await bob.put(path, { mine: true }))).to.deep.equal([403, 'M_FORBIDDEN'])
  })

  it('who joins twice has joined once', async () => {
    await bob.post(`/join/${roomId}`)
    const { next_batch } = (await bob.get('/sync')).body
    expect((await bob.post(`/join/${roomId}`)).body).to.deep.equal({ room_id: roomId })
    expect((await bob.get('/sync', { query: { since: next_batch } })).body).to.not.have.property('rooms')
  })

  it('every event that is served says what its reader was in the room when it was sent', async () => {
    const eventId = (await send(alice, 'early', 'early words')).body.event_id
    await alice.put(`/rooms/${roomId}/send/m.reaction/r`, { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key: 'x' } })
    await bob.post(`/join/${roomId}`)
    const search = { search_categories: { room_events: { search_term: 'early' } } }
    const context = (await bob.get(`/rooms/${roomId}/context/${eventId}`)).body
    const timeline: Body[] = (await bob.get('/sync')).body.rooms.join[roomId].timeline.events
    const served: Body[] = [
      timeline.find(({ event_id }) => event_id === eventId),
      (await bob.get(`/rooms/${roomId}/event/${eventId}`)).body,
      (await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '50' } })).body.chunk.at(-1),
      context.event,
      context.events_before[0],
      (await bob.get(`/_matrix/client/v1/rooms/${roomId}/relations/${eventId}`)).body.chunk[0],
      (await bob.post('/search', search)).body.search_categories.room_events.results[0].result,
    ]
    expect(served.map(({ unsigned }) => unsigned.membership)).to.deep.equal(served.map(() => 'leave'))
    const { unsigned } = (await alice.get(`/rooms/${roomId}/event/${eventId}`)).body
    expect(unsigned.membership).to.equal('join')
  })

  it('pages go on while there is more, however much of them a filter takes out, and end with the room', async () => {
    for (let sent = 0; sent < 30; sent++) await send(alice, `n${sent}`, 'noise', roomId, 'org.noise')
    const filter = JSON.stringify({ types: ['m.room.message', 'm.room.create'] })
    await send(alice, 'last', 'last')
    const types: string[] = []
    let from: string | undefined
    for (let pages = 0; pages < 40; pages++) {
      const query = { dir: 'b', limit: '1', filter, ...(from === undefined ? {} : { from }) }
      const { chunk, end }: Body = (await alice.get(`/rooms/${roomId}/messages`, { query })).body
      types.push(...chunk.map(({ type }: Body) => type))
      from = end
      if (end === undefined) break
    }
    expect(types).to.deep.equal(['m.room.message', 'm.room.create'])
    expect(from).to.equal(undefined)
  })

  it('a room that is forgotten still leaves once, and whoever comes back is in it as if nothing had been', async () => {
    await bob.post(`/join/${roomId}`)
    const { next_batch } = (await bob.get('/sync')).body
    await bob.post(`/rooms/${roomId}/leave`)
    await bob.post(`/rooms/${roomId}/forget`)
    const left = (await bob.get('/sync', { query: { since: next_batch } })).body
    expect(Object.keys(left.rooms.leave)).to.deep.equal([roomId])
    expect((await bob.get('/sync', { query: { since: left.next_batch } })).body).to.not.have.property('rooms')
    await send(alice, 'meanwhile', 'meanwhile')
    await bob.post(`/join/${roomId}`)
    const { timeline } = (await bob.get('/sync', { query: { since: left.next_batch } })).body.rooms.join[roomId]
    expect(texts(timeline.events)).to.include('meanwhile')
    expect((await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b' } })).status).to.equal(200)
  })

  it('a canonical alias points to its room, or is refused', async () => {
    const path = `/rooms/${roomId}/state/m.room.canonical_alias`
    const [mine, other] = [`#mine${count}:hs.test`, `#other${count}:hs.test`]
    await alice.put(`/directory/room/${encodeURIComponent(mine)}`, { room_id: roomId })
    await alice.put(`/directory/room/${encodeURIComponent(other)}`, { room_id: await room() })
    for (const content of [{ alias: other }, { alias: '#none:hs.test' }, { alias: mine, alt_aliases: [other] }])
      expect(code(await alice.put(path, content)), JSON.stringify(content)).to.deep.equal([400, 'M_BAD_ALIAS'])
    for (const content of [{ alias: 'no alias' }, { alt_aliases: ['@x:hs.test'] }])
      expect(code(await alice.put(path, content)), JSON.stringify(content)).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect((await alice.put(path, { alias: mine, alt_aliases: [] })).status).to.equal(200)
  })

  it('a new room takes its preset, then the initial state, then name and topic, then invitations', async () => {
    const state = (type: string, content: object) => ({ type, state_key: '', content })
    const made = await room({
      preset: 'public_chat',
      name: 'Name',
      topic: 'Topic',
      room_version: '11',
      initial_state: [state('m.room.join_rules', { join_rule: 'knock' }), state('m.room.name', { name: 'Initial' })],
      invite: [bob.userId],
      power_level_content_override: { events_default: 7 },
    })
    const get = async (type: string) => (await alice.get(`/rooms/${made}/state/${type}`)).body
    expect(await get('m.room.join_rules')).to.deep.equal({ join_rule: 'knock' })
    expect(await get('m.room.name')).to.deep.equal({ name: 'Name' })
    const topic = await get('m.room.topic')
    expect(topic).to.deep.include({ topic: 'Topic' })
    expect(topic['m.topic']['m.text'][0].body).to.equal('Topic')
    const levels = await get('m.room.power_levels')
    expect(levels).to.deep.include({ events_default: 7, users: { [alice.userId]: 100 } })
    const { chunk } = (await alice.get(`/rooms/${made}/messages`, { query: { dir: 'f', limit: '50' } })).body
    expect(chunk.at(-1)).to.deep.include({ type: 'm.room.member', state_key: bob.userId })
    expect(chunk[0].content.room_version).to.equal('11')
  })

  it('a room has one create event, which names its room wherever it is shown', async () => {
    expect(code(await alice.put(`/rooms/${roomId}/state/m.room.create`, {}))).to.deep.equal([400, 'M_BAD_JSON'])
    expect(code(await send(alice, 'c', 'x', roomId, 'm.room.create'))).to.deep.equal([400, 'M_BAD_JSON'])
    const { chunk } = (await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'f', limit: '1' } })).body
    const state: Body[] = (await alice.get(`/rooms/${roomId}/state`)).body
    const path = `/rooms/${roomId}`
    const shown = [
      chunk[0],
      state.find(({ type }) => type === 'm.room.create'),
      (await alice.get(`${path}/event/${chunk[0].event_id}`)).body,
      (await alice.get(`${path}/context/${chunk[0].event_id}`)).body.event,
      (await alice.get(`${path}/state/m.room.create/`, { query: { format: 'event' } })).body,
    ]
    expect(shown.map(({ type, room_id }) => [type, room_id])).to.deep.equal(shown.map(() => ['m.room.create', roomId]))
  })

  it('tokens and limits that make no sense are refused, not answered with a failure', async () => {
    const search = { search_categories: { room_events: { search_term: 'x' } } }
    const odd = [
      await alice.get('/publicRooms', { query: { since: 'x' } }),
      await alice.get('/publicRooms', { query: { limit: '-1' } }),
      await alice.get('/notifications', { query: { from: 'x' } }),
      await alice.get('/notifications', { query: { limit: '-1' } }),
      await alice.post('/search', search, { query: { next_batch: 'x' } }),
      await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', from: 'x' } }),
      await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '-1' } }),
      await alice.get('/sync', { query: { since: 's1_99999999999999999' } }),
    ]
    expect(odd.map(({ status }) => status)).to.deep.equal(odd.map(() => 400))
  })
}
