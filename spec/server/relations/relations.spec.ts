import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`relations on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let people = 0
  let sent = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.post(`/join/${roomId}`)
  })

  const put = (user: TestUser, content: object, type = 'm.room.message') => user.put(`/rooms/${roomId}/send/${type}/t${sent++}`, content)
  const say = async (user: TestUser, content: object = { msgtype: 'm.text', body: 'x' }, type?: string): Promise<string> =>
    (await put(user, content, type)).body.event_id
  const relation = (rel_type: string, event_id: string, more: object = {}) => ({
    msgtype: 'm.text',
    body: 'x',
    'm.relates_to': { rel_type, event_id, ...more },
  })
  const edit = (event_id: string, body: string) => ({ ...relation('m.replace', event_id), 'm.new_content': { msgtype: 'm.text', body } })
  const react = (user: TestUser, event_id: string, key: string) =>
    put(user, { 'm.relates_to': { rel_type: 'm.annotation', event_id, key } }, 'm.reaction')
  const redact = (user: TestUser, eventId: string) => user.put(`/rooms/${roomId}/redact/${eventId}/t${sent++}`)
  const related = (user: TestUser, path: string, query: Record<string, string> = {}) =>
    user.get(`/_matrix/client/v1/rooms/${roomId}/relations/${path}`, { query })
  const ids = (chunk: Body[]) => chunk.map((event) => event.event_id)
  const bundleOf = async (user: TestUser, eventId: string) =>
    (await user.get(`/rooms/${roomId}/event/${eventId}`)).body.unsigned['m.relations']

  it('are listed newest first, by relation type and by event type', async () => {
    const root = await say(alice)
    const reply = await say(bob, relation('m.thread', root))
    const reaction = (await react(bob, root, '👍')).body.event_id
    const custom = await say(alice, relation('org.example', root), 'org.example.thing')
    await say(alice)
    expect(ids((await related(bob, root)).body.chunk)).to.deep.equal([custom, reaction, reply])
    expect(ids((await related(bob, root, { dir: 'f' })).body.chunk)).to.deep.equal([reply, reaction, custom])
    expect(ids((await related(bob, `${root}/m.annotation`)).body.chunk)).to.deep.equal([reaction])
    expect(ids((await related(bob, `${root}/m.annotation/m.reaction`)).body.chunk)).to.deep.equal([reaction])
    expect(ids((await related(bob, `${root}/m.annotation/m.room.message`)).body.chunk)).to.deep.equal([])
    expect((await related(bob, root)).body).to.not.have.any.keys('next_batch', 'prev_batch', 'recursion_depth')
  })

  it('come in pages, forwards and backwards, and end at a token', async () => {
    const root = await say(alice)
    const all: string[] = []
    for (let at = 0; at < 5; at++) all.push(await say(bob, relation('m.thread', root)))
    for (const dir of ['b', 'f']) {
      const found: string[] = []
      let from = ''
      do {
        const { body } = await related(alice, root, { dir, limit: '2', ...(from === '' ? {} : { from }) })
        expect(body.prev_batch).to.equal(from === '' ? undefined : from)
        found.push(...ids(body.chunk))
        from = body.next_batch ?? ''
      } while (from !== '')
      expect(found, dir).to.deep.equal(dir === 'f' ? all : all.toReversed())
    }
    const { body } = await related(alice, root, { limit: '2' })
    expect(ids((await related(alice, root, { to: body.next_batch })).body.chunk)).to.deep.equal(all.slice(3).toReversed())
  })

  it('are followed over three events when that is asked for', async () => {
    const root = await say(alice)
    const one = await say(alice, relation('m.thread', root))
    const two = (await react(bob, one, 'a')).body.event_id
    const three = await say(bob, relation('org.example', two))
    const four = await say(bob, relation('org.example', three))
    const { body } = await related(alice, root, { recurse: 'true' })
    expect(ids(body.chunk)).to.deep.equal([three, two, one])
    expect(ids(body.chunk)).to.not.include(four)
    expect(body.recursion_depth).to.equal(3)
    expect(ids((await related(alice, `${root}/m.annotation`, { recurse: 'true' })).body.chunk)).to.deep.equal([two])
    expect((await related(alice, root, { recurse: 'false' })).body.recursion_depth).to.equal(1)
    expect((await related(alice, root, { recurse: 'perhaps' })).status).to.equal(400)
  })

  it('end with the redaction of the event', async () => {
    const root = await say(alice)
    const first = await say(bob, relation('m.thread', root))
    const second = await say(bob, relation('m.thread', root))
    await redact(bob, second)
    expect(ids((await related(alice, root)).body.chunk)).to.deep.equal([first])
    const thread = (await bundleOf(alice, root))['m.thread']
    expect([thread.count, thread.latest_event.event_id]).to.deep.equal([1, first])
    await redact(bob, first)
    expect(await bundleOf(alice, root)).to.equal(undefined)
  })

  it('are found only by those who may see the event, and only those that they may see', async () => {
    const root = await say(alice)
    const reply = await say(bob, relation('m.thread', root))
    await bob.post(`/rooms/${roomId}/leave`)
    await say(alice, relation('m.thread', root))
    expect(ids((await related(bob, root)).body.chunk)).to.deep.equal([reply])
    const stranger = await server.register(`stranger${people}`)
    const { status, body } = await related(stranger, root)
    expect([status, body.errcode]).to.deep.equal([404, 'M_NOT_FOUND'])
    expect((await related(alice, '$nothing')).status).to.equal(404)
    expect((await related(alice, root, { from: 'nonsense' })).body.errcode).to.equal('M_INVALID_PARAM')
  })

  it('to another room count for nothing', async () => {
    const root = await say(alice)
    const other = (await alice.post('/createRoom', {})).body.room_id
    await alice.put(`/rooms/${other}/send/m.room.message/t${sent++}`, relation('m.thread', root))
    await alice.put(`/rooms/${other}/send/m.room.message/t${sent++}`, edit(root, 'elsewhere'))
    expect((await related(alice, root)).body.chunk).to.deep.equal([])
    expect(await bundleOf(alice, root)).to.equal(undefined)
  })

  it('bundle the newest valid edit whole, by the same sender alone', async () => {
    const root = await say(alice)
    await say(alice, edit(root, 'one'))
    await setTimeout(2)
    const last = await say(alice, edit(root, 'two'))
    await say(bob, edit(root, 'not mine'))
    await say(alice, relation('m.replace', root))
    const bundled = (await bundleOf(bob, root))['m.replace']
    expect(bundled).to.include({ event_id: last, sender: alice.userId, type: 'm.room.message', room_id: roomId })
    expect(bundled.content['m.new_content'].body).to.equal('two')
    expect(bundled.unsigned).to.not.have.property('transaction_id')
    expect((await bundleOf(alice, root))['m.replace'].unsigned).to.have.property('transaction_id')
    await say(alice, edit(last, 'edit of an edit'))
    expect(await bundleOf(bob, last)).to.equal(undefined)
    await redact(alice, root)
    expect(await bundleOf(bob, root)).to.equal(undefined)
  })

  it('bundle encrypted edits, whose new content nobody sees', async () => {
    const root = await say(alice, { algorithm: 'x', ciphertext: 'a' }, 'm.room.encrypted')
    const last = await say(alice, { algorithm: 'x', 'm.relates_to': { rel_type: 'm.replace', event_id: root } }, 'm.room.encrypted')
    expect((await bundleOf(bob, root))['m.replace'].event_id).to.equal(last)
  })

  it('bundle threads with their count, their newest event as it was edited, and whether the reader takes part', async () => {
    const root = await say(alice)
    const reply = await say(bob, relation('m.thread', root))
    const latest = await say(bob, relation('m.thread', root))
    const edited = await say(bob, edit(latest, 'better'))
    const carol = await server.register(`carol${people}`)
    await carol.post(`/join/${roomId}`)
    const thread = (await bundleOf(carol, root))['m.thread']
    expect([thread.count, thread.current_user_participated, thread.latest_event.event_id]).to.deep.equal([2, false, latest])
    expect(thread.latest_event.unsigned['m.relations']['m.replace'].event_id).to.equal(edited)
    for (const user of [alice, bob]) expect((await bundleOf(user, root))['m.thread'].current_user_participated).to.equal(true)
    const refused = await put(alice, relation('m.thread', reply))
    expect([refused.status, refused.body.errcode]).to.deep.equal([400, 'M_UNKNOWN'])
  })

  it('bundle references as a list', async () => {
    const root = await say(alice)
    const one = await say(bob, relation('m.reference', root), 'm.key.verification.ready')
    const two = await say(alice, relation('m.reference', root), 'm.key.verification.start')
    expect((await bundleOf(bob, root))['m.reference']).to.deep.equal({ chunk: [{ event_id: one }, { event_id: two }] })
  })

  it('of ignored users are not aggregated', async () => {
    const root = await say(alice)
    await say(bob, relation('m.thread', root))
    await say(bob, relation('m.reference', root))
    await alice.put(`/user/${alice.userId}/account_data/m.ignored_user_list`, { ignored_users: { [bob.userId]: {} } })
    expect(await bundleOf(alice, root)).to.equal(undefined)
    expect(Object.keys(await bundleOf(bob, root))).to.have.members(['m.thread', 'm.reference'])
  })

  it('are bundled in messages, context, relations, and in a sync that has a gap or tells a room whole', async () => {
    const before = (await bob.get('/sync')).body.next_batch
    const root = await say(alice)
    const reply = await say(alice, relation('m.thread', root))
    const edited = await say(alice, edit(reply, 'better'))
    const isBundled = (events: Body[], eventId: string, relType: string) =>
      events.find((event) => event.event_id === eventId)?.unsigned['m.relations']?.[relType] !== undefined
    const { chunk } = (await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b' } })).body
    expect(isBundled(chunk, root, 'm.thread')).to.equal(true)
    expect(isBundled(chunk, reply, 'm.replace')).to.equal(true)
    expect(chunk.find((event: Body) => event.event_id === edited).unsigned).to.not.have.property('m.relations')
    const context = (await bob.get(`/rooms/${roomId}/context/${reply}`)).body
    expect(isBundled([context.event], reply, 'm.replace')).to.equal(true)
    expect(isBundled(context.events_before, root, 'm.thread')).to.equal(true)
    expect(isBundled((await related(bob, root)).body.chunk, reply, 'm.replace')).to.equal(true)
    const timelineOf = async (query: Record<string, string>) =>
      (await bob.get('/sync', { query })).body.rooms.join[roomId].timeline.events as Body[]
    expect(isBundled(await timelineOf({}), root, 'm.thread')).to.equal(true)
    expect(isBundled(await timelineOf({ since: before }), root, 'm.thread')).to.equal(false)
    const filter = JSON.stringify({ room: { timeline: { limit: 3 } } })
    await say(alice, edit(root, 'better'))
    expect(isBundled(await timelineOf({ since: before, filter }), reply, 'm.replace')).to.equal(true)
    await bob.post(`/rooms/${roomId}/leave`)
    const short = JSON.stringify({ room: { include_leave: true, timeline: { limit: 4 } } })
    const { leave } = (await bob.get('/sync', { query: { since: before, filter: short } })).body.rooms
    expect(isBundled(leave[roomId].timeline.events, reply, 'm.replace')).to.equal(true)
  })

  it('refuse the same annotation twice, and take it again after its redaction', async () => {
    const root = await say(alice)
    const first = await react(bob, root, '👍')
    const second = await react(bob, root, '👍')
    expect([second.status, second.body.errcode]).to.deep.equal([400, 'M_DUPLICATE_ANNOTATION'])
    expect((await react(bob, root, '👎')).status).to.equal(200)
    expect((await react(alice, root, '👍')).status).to.equal(200)
    await redact(bob, first.body.event_id)
    expect((await react(bob, root, '👍')).status).to.equal(200)
    const path = `/rooms/${roomId}/send/m.reaction/same${people}`
    const annotation = { 'm.relates_to': { rel_type: 'm.annotation', event_id: root, key: 'once' } }
    const sends = await Promise.all([alice.put(path, annotation), alice.put(path, annotation)])
    expect(new Set(sends.map(({ body }) => body.event_id)).size).to.equal(1)
    expect((await alice.put(path, annotation)).body.event_id).to.equal(sends[0].body.event_id)
    const statuses = (await Promise.all(Array.from({ length: 8 }, () => react(alice, root, 'at once')))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).to.have.length(1)
  })
}
