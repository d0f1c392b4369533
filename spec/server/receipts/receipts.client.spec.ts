import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`receipts on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let room: string
  let events: string[]
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    people++
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people}`)
    room = String((await alice.post('/createRoom', { preset: 'public_chat' })).body['room_id'])
    await bob.post(`/rooms/${room}/join`)
    events = []
    for (const n of [1, 2, 3]) {
      const { body } = await alice.put(`/rooms/${room}/send/m.room.message/${people}-${n}`, { msgtype: 'm.text', body: `${n}` })
      events.push(String(body['event_id']))
    }
  })

  /** Says something that relates to another event, and gives its id. */
  const relate = async (relation: object, user = alice): Promise<string> => {
    const content = { msgtype: 'm.text', body: 'related', 'm.relates_to': relation }
    return String((await user.put(`/rooms/${room}/send/m.room.message/${people}-r${related++}`, content)).body['event_id'])
  }
  let related = 0
  const read = (user: TestUser, type: string, eventId: string, body: object = {}) =>
    user.post(`/rooms/${room}/receipt/${type}/${encodeURIComponent(eventId)}`, body)
  const position = async (user: TestUser) => String((await user.get('/sync')).body['next_batch'])
  const roomSince = async (user: TestUser, since?: string): Promise<Body> => {
    const { body } = await user.get('/sync', { query: since === undefined ? {} : { since } })
    return body['rooms']?.join?.[room] ?? {}
  }
  /** Event, type, user and thread of each receipt. */
  const receipts = (joined: Body) => {
    const event = (joined['ephemeral']?.events ?? []).find(({ type }: Body) => type === 'm.receipt')
    const found: unknown[] = []
    for (const [eventId, types] of Object.entries<Body>(event?.content ?? {}))
      for (const [type, users] of Object.entries<Body>(types))
        for (const [userId, { thread_id }] of Object.entries<Body>(users)) found.push([eventId, type, userId, thread_id].filter(Boolean))
    return found
  }
  const answered = ({ status, body }: { status: number; body: Body }) => [status, body['errcode']]

  it('reach all members, at once and in the first sync', async () => {
    const since = await position(alice)
    expect((await read(bob, 'm.read', events[0]!)).body).to.deep.equal({})
    const joined = await roomSince(alice, since)
    expect(receipts(joined)).to.deep.equal([[events[0], 'm.read', bob.userId]])
    expect(joined['ephemeral'].events[0].content[events[0]!]['m.read'][bob.userId].ts).to.be.a('number')
    expect(receipts(await roomSince(alice))).to.deep.equal([[events[0], 'm.read', bob.userId]])
  })

  it('that are private reach their owner alone', async () => {
    const [ofAlice, ofBob] = [await position(alice), await position(bob)]
    await read(bob, 'm.read.private', events[0]!)
    expect(receipts(await roomSince(alice, ofAlice))).to.deep.equal([])
    expect(receipts(await roomSince(alice))).to.deep.equal([])
    expect(receipts(await roomSince(bob, ofBob))).to.deep.equal([[events[0], 'm.read.private', bob.userId]])
    expect(receipts(await roomSince(bob))).to.deep.equal([[events[0], 'm.read.private', bob.userId]])
  })

  it('stay where they are when they would go back', async () => {
    await read(bob, 'm.read', events[2]!)
    const since = await position(alice)
    expect((await read(bob, 'm.read', events[0]!)).status).to.equal(200)
    expect(receipts(await roomSince(alice, since))).to.deep.equal([])
    expect(receipts(await roomSince(alice))).to.deep.equal([[events[2], 'm.read', bob.userId]])
  })

  it('of many sessions at once end with the newest', async () => {
    const order = [1, 0, 2, 0, 1, 2, 0, 1]
    await Promise.all(order.map((n) => read(bob, 'm.read', events[n]!)))
    expect(receipts(await roomSince(alice))).to.deep.equal([[events[2], 'm.read', bob.userId]])
  })

  it('are kept apart by thread, and an unthreaded one goes before a threaded one', async () => {
    const threaded = await relate({ rel_type: 'm.thread', event_id: events[0] })
    await read(bob, 'm.read', events[0]!)
    await read(bob, 'm.read', events[1]!, { thread_id: 'main' })
    await read(bob, 'm.read', threaded, { thread_id: events[0] })
    expect(receipts(await roomSince(alice))).to.have.deep.members([
      [events[0], 'm.read', bob.userId],
      [events[1], 'm.read', bob.userId, 'main'],
      [threaded, 'm.read', bob.userId, events[0]],
    ])
    await read(bob, 'm.read', threaded)
    expect(receipts(await roomSince(alice))).to.have.deep.members([
      [events[1], 'm.read', bob.userId, 'main'],
      [threaded, 'm.read', bob.userId],
    ])
  })

  it('clear the unread count, also when they are private, and not for a thread', async () => {
    const unread = async () => (await roomSince(bob))['unread_notifications'].notification_count
    expect(await unread()).to.equal(3)
    await read(bob, 'm.read', events[0]!, { thread_id: events[0] })
    expect(await unread()).to.equal(3)
    await read(bob, 'm.read', events[0]!)
    expect(await unread()).to.equal(2)
    await read(bob, 'm.read.private', events[2]!)
    expect(await unread()).to.equal(0)
  })

  it('belong to a thread over at most three events in between, and are refused for another one', async () => {
    const root = events[0]!
    const inThread = [await relate({ rel_type: 'm.thread', event_id: root })]
    for (const relation of ['m.annotation', 'm.replace', 'm.reference', 'm.reference']) {
      inThread.push(await relate({ rel_type: relation, event_id: inThread.at(-1), key: '👍' }))
    }
    const beside = await relate({ rel_type: 'm.annotation', event_id: root, key: '👍' })
    const reply = await relate({ 'm.in_reply_to': { event_id: inThread[0] } })
    const may = async (eventId: string, thread_id: string) => (await read(bob, 'm.read', eventId, { thread_id })).status
    const judged: Record<string, readonly (readonly [string, number, number])[]> = {
      'three events away, and one too far': inThread.map((eventId, away) => [eventId, away < 4 ? 200 : 400, away < 4 ? 400 : 200]),
      'the root and what relates to it by no thread': [root, beside].map((eventId) => [eventId, 200, 200]),
      'a mere reply, which clients show here or there': [[reply, 200, 200]],
      'an event that has nothing to do with it': [[events[1]!, 400, 200]],
    }
    for (const [what, those] of Object.entries(judged)) {
      for (const [eventId, ofThread, ofMain] of those) {
        expect([await may(eventId, root), await may(eventId, 'main')], what).to.deep.equal([ofThread, ofMain])
      }
    }
  })

  it('stay possible for a thread where what led to it was redacted', async () => {
    const root = events[0]!
    const parents = [await relate({ rel_type: 'm.thread', event_id: root }), await relate({ rel_type: 'm.thread', event_id: root })]
    const children = [
      await relate({ 'm.in_reply_to': { event_id: parents[0] } }),
      await relate({ rel_type: 'm.annotation', event_id: parents[1], key: '👍' }),
    ]
    children.push(await relate({ rel_type: 'm.reference', event_id: children[1] }))
    for (const [n, eventId] of parents.entries()) await alice.put(`/rooms/${room}/redact/${eventId}/${people}-x${n}`, {})
    for (const eventId of [...parents, ...children]) expect((await read(bob, 'm.read', eventId, { thread_id: root })).status).to.equal(200)
  })

  it('are taken for any thread where what an event relates to is unknown', async () => {
    const orphan = await relate({ rel_type: 'm.annotation', event_id: `$${'x'.repeat(43)}`, key: '👍' })
    for (const thread_id of [events[0], 'main']) expect((await read(bob, 'm.read', orphan, { thread_id })).status).to.equal(200)
  })

  it('clear the count of a thread with what relates to its events', async () => {
    const threaded = await relate({ rel_type: 'm.thread', event_id: events[0] })
    const reply = await relate({ 'm.in_reply_to': { event_id: threaded } })
    const filter = JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } })
    const counts = async () => {
      const joined = (await bob.get('/sync', { query: { filter } })).body['rooms'].join[room]
      return [joined.unread_notifications.notification_count, joined.unread_thread_notifications?.[events[0]!]?.notification_count]
    }
    expect(await counts()).to.deep.equal([3, 2])
    await read(bob, 'm.read', events[2]!, { thread_id: 'main' })
    expect(await counts()).to.deep.equal([0, 2])
    await read(bob, 'm.read', reply, { thread_id: events[0] })
    expect((await counts())[1] ?? 0).to.equal(0)
  })

  it('may name an event that is not here yet', async () => {
    expect((await read(bob, 'm.read', '$unknown')).status).to.equal(200)
    expect(receipts(await roomSince(alice))).to.deep.equal([['$unknown', 'm.read', bob.userId]])
  })

  it('are refused for wrong threads, types, events and rooms', async () => {
    const invalid = [400, 'M_INVALID_PARAM']
    for (const thread_id of ['', 7, null, 'thread'])
      expect(answered(await read(bob, 'm.read', events[0]!, { thread_id }))).to.deep.equal(invalid)
    expect(answered(await read(bob, 'm.fully_read', events[0]!, { thread_id: 'main' }))).to.deep.equal(invalid)
    expect(answered(await read(bob, 'm.seen', events[0]!))).to.deep.equal(invalid)
    expect(answered(await read(bob, 'm.read', 'event'))).to.deep.equal(invalid)
    const carol = await server.register(`carol${people}`)
    expect(answered(await read(carol, 'm.read', events[0]!))).to.deep.equal([403, 'M_FORBIDDEN'])
    const other = String((await bob.post('/createRoom')).body['room_id'])
    expect(answered(await bob.post(`/rooms/${other}/receipt/m.read/${encodeURIComponent(events[0]!)}`))).to.deep.equal(invalid)
  })

  it('come with the fully read marker, which moves on its own and never back', async () => {
    const marker = async () => (await bob.get(`/user/${bob.userId}/rooms/${room}/account_data/m.fully_read`)).body
    const since = await position(bob)
    await bob.post(`/rooms/${room}/read_markers`, { 'm.fully_read': events[1], 'm.read': events[2], 'm.read.private': events[0] })
    const joined = await roomSince(bob, since)
    expect(joined['account_data'].events).to.deep.equal([{ type: 'm.fully_read', content: { event_id: events[1] } }])
    expect(receipts(joined)).to.have.deep.members([
      [events[2], 'm.read', bob.userId],
      [events[0], 'm.read.private', bob.userId],
    ])
    await read(bob, 'm.fully_read', events[0]!)
    expect(await marker()).to.deep.equal({ event_id: events[1] })
    await read(bob, 'm.fully_read', events[2]!)
    expect(await marker()).to.deep.equal({ event_id: events[2] })
    expect(answered(await bob.post(`/rooms/${room}/read_markers`, { 'm.read': 7 }))).to.deep.equal([400, 'M_INVALID_PARAM'])
  })
}
