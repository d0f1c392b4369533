import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`events as filters want them on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let roomId: string
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
    alice = await server.register('alice')
    roomId = (await alice.post('/createRoom', { name: 'Shapes' })).body.room_id
    const content = { body: 'hello', 'm.relates': { a: 1, b: 2 }, plain: { deep: { er: true } }, empty: {} }
    await alice.put(`/rooms/${roomId}/send/m.room.message/1`, content)
  })
  after(() => server?.close())

  const sync = async (filter: object) => {
    const wanted = { room: { timeline: { limit: 1 } }, ...filter }
    return (await alice.get('/sync', { query: { filter: JSON.stringify(wanted) } })).body.rooms.join[roomId]
  }
  const message = async (event_fields: readonly string[]) => (await sync({ event_fields })).timeline.events[0]

  it('hold the fields that were asked for, and nothing else, in timeline and state', async () => {
    expect(await message(['type', 'content.body', 'none', 'content.none.at.all'])).to.deep.equal({
      type: 'm.room.message',
      content: { body: 'hello' },
    })
    const { events } = (await sync({ event_fields: ['content.name', 'state_key'] })).state
    expect(events).to.deep.include({ state_key: '', content: { name: 'Shapes' } })
    expect(events.flatMap((event: object) => Object.keys(event))).to.not.include.members(['type'])
  })

  it('take dots in names escaped, and what contains a field with it', async () => {
    expect(await message(['content.m\\.relates.a'])).to.deep.equal({ content: { 'm.relates': { a: 1 } } })
    expect(await message(['content.m.relates.a', 'content.plain.deep.er'])).to.deep.equal({ content: { plain: { deep: { er: true } } } })
    for (const fields of [
      ['content', 'content.body'],
      ['content.body', 'content'],
    ])
      expect(Object.keys((await message(fields)).content)).to.have.members(['body', 'm.relates', 'plain', 'empty'])
    expect(await message(['__proto__', 'constructor.name', '', '.', 'unsigned.membership'])).to.deep.equal({
      unsigned: { membership: 'join' },
    })
  })

  it('are told whole where nothing, or far too much, is asked for', async () => {
    const whole = await message([])
    expect(whole).to.include.keys('event_id', 'sender', 'content', 'origin_server_ts', 'unsigned')
    const many = await message(Array.from({ length: 501 }, (_, at) => `f${at}`))
    expect(Object.keys(many)).to.deep.equal(Object.keys(whole))
  })

  it('are as servers send them where that is asked for', async () => {
    const { timeline, state } = await sync({ event_format: 'federation' })
    const [event]: Body[] = timeline.events
    expect(event).to.include.keys('auth_events', 'prev_events', 'depth', 'hashes', 'signatures', 'event_id', 'unsigned')
    expect(event.signatures).to.have.property('hs.test')
    expect(state.events[0]).to.include.keys('auth_events', 'hashes', 'state_key')
    const both = (await sync({ event_format: 'federation', event_fields: ['depth'] })).timeline.events[0]
    expect(both).to.deep.equal({ depth: event.depth })
    const client = (await sync({ event_format: 'client' })).timeline.events[0]
    expect(client).to.not.have.any.keys('auth_events', 'hashes', 'depth')
  })

  it('keep the shape of a stored filter, also where the room was left', async () => {
    const path = `/user/${alice.userId}/filter`
    const { filter_id } = (await alice.post(path, { event_fields: ['type'], room: { include_leave: true } })).body
    const other = (await alice.post('/createRoom', {})).body.room_id
    await alice.post(`/rooms/${other}/leave`)
    const { join, leave } = (await alice.get('/sync', { query: { filter: filter_id } })).body.rooms
    for (const { timeline } of [join[roomId], leave[other]])
      for (const event of timeline.events) expect(Object.keys(event)).to.deep.equal(['type'])
  })
}
