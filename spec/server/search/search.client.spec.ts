import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`search on ${engine}`, () => declare(engine))

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
    roomId = await makeRoom(alice)
    await bob.post(`/join/${roomId}`)
  })

  const makeRoom = async (user: TestUser, more: object = {}): Promise<string> =>
    (await user.post('/createRoom', { preset: 'public_chat', ...more })).body.room_id
  const say = async (user: TestUser, body: string, room = roomId, more: object = {}): Promise<string> =>
    (await user.put(`/rooms/${room}/send/m.room.message/t${sent++}`, { msgtype: 'm.text', body, ...more })).body.event_id
  const edit = (user: TestUser, eventId: string, body: string) =>
    say(user, `* ${body}`, roomId, {
      'm.new_content': { msgtype: 'm.text', body },
      'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
    })
  const redact = (user: TestUser, eventId: string) => user.put(`/rooms/${roomId}/redact/${eventId}/t${sent++}`)
  const search = async (user: TestUser, term: string, more: object = {}, next?: string): Promise<Body> => {
    const criteria = { search_term: term, order_by: 'recent', ...more }
    const asking = next === undefined ? {} : { query: { next_batch: next } }
    const { status, body } = await user.request('POST', '/search', { search_categories: { room_events: criteria } }, asking)
    expect(status, JSON.stringify(body)).to.equal(200)
    return body.search_categories.room_events
  }
  const ids = ({ results }: Body): string[] => results.map(({ result }: Body) => result.event_id)

  it('finds what was just said, newest first, whatever case and accents it has', async () => {
    const first = await say(alice, 'A Crème brûlée, please')
    await say(alice, 'nothing to see')
    const second = await say(bob, 'CREME for me too')
    const found = await search(alice, 'creme')
    expect(ids(found)).to.deep.equal([second, first])
    expect(found.count).to.equal(2)
    expect(found.highlights).to.have.members(['CREME', 'Crème'])
    expect(found.results[0].result).to.include({ room_id: roomId, sender: bob.userId })
    expect(ids(await search(alice, 'creme please'))).to.deep.equal([first])
    expect(ids(await search(alice, 'cre'))).to.deep.equal([])
  })

  it('finds words of scripts without spaces and of other alphabets', async () => {
    const chinese = await say(alice, '今天天气很好')
    const greek = await say(alice, 'Καλημέρα κόσμε')
    expect(ids(await search(bob, '天气'))).to.deep.equal([chinese])
    expect(ids(await search(bob, '好'))).to.deep.equal([chinese])
    expect(ids(await search(bob, 'καλημερα'))).to.deep.equal([greek])
  })

  it('takes operators of query languages for plain words', async () => {
    const odd = await say(alice, `quotes " ' and NOT | & ! ( ) : * near`)
    for (const term of ['quotes " and', "'", 'NOT near', '* quotes', 'quotes & near | (', '"', '!b', `${roomId}`, '\u0000quotes']) {
      const found = await search(alice, term)
      expect(
        ids(found).every((id) => id === odd),
        term,
      ).to.equal(true)
    }
    expect(ids(await search(alice, 'quotes OR missing'))).to.deep.equal([])
  })

  it('looks into bodies, names and topics, or into those that are asked for', async () => {
    await alice.put(`/rooms/${roomId}/state/m.room.name`, { name: 'pelican' })
    await alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'the pelican', 'm.topic': { 'm.text': [{ body: 'a heron' }] } })
    await say(alice, 'a pelican')
    const typesOf = ({ results }: Body) => results.map(({ result }: Body) => result.type)
    expect(typesOf(await search(bob, 'pelican'))).to.deep.equal(['m.room.message', 'm.room.topic', 'm.room.name'])
    expect(typesOf(await search(bob, 'pelican', { keys: ['content.name', 'content.body'] }))).to.deep.equal([
      'm.room.message',
      'm.room.name',
    ])
    expect(typesOf(await search(bob, 'heron'))).to.deep.equal(['m.room.topic'])
  })

  it('shows nobody what they may not read', async () => {
    const hidden = await makeRoom(alice, {
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    })
    await say(alice, 'walrus before', hidden)
    await bob.post(`/join/${hidden}`)
    const shared = await say(alice, 'walrus between', hidden)
    await bob.post(`/rooms/${hidden}/leave`)
    await say(alice, 'walrus after', hidden)
    const found = await search(bob, 'walrus')
    expect([ids(found), found.count]).to.deep.equal([[shared], 1])
    const stranger = await server.register(`stranger${people}`)
    expect(await search(stranger, 'walrus', { filter: { rooms: [hidden] } })).to.deep.include({ count: 0, results: [] })
    await bob.post(`/rooms/${hidden}/forget`)
    expect(ids(await search(bob, 'walrus'))).to.deep.equal([])
  })

  it('leaves encrypted rooms out', async () => {
    await say(alice, 'ocelot')
    await alice.put(`/rooms/${roomId}/state/m.room.encryption`, { algorithm: 'm.megolm.v1.aes-sha2' })
    await say(alice, 'ocelot again')
    expect(ids(await search(alice, 'ocelot'))).to.deep.equal([])
  })

  it('forgets what was redacted at once', async () => {
    const gone = await say(alice, 'lemur')
    expect(ids(await search(bob, 'lemur'))).to.deep.equal([gone])
    await redact(alice, gone)
    expect(ids(await search(bob, 'lemur'))).to.deep.equal([])
  })

  it('finds an edited event by its newest text alone, and by the text before when the edit goes', async () => {
    const original = await say(alice, 'gecko')
    const change = await edit(alice, original, 'chameleon')
    expect(ids(await search(bob, 'gecko'))).to.deep.equal([])
    const found = await search(bob, 'chameleon')
    expect(ids(found)).to.deep.equal([original])
    expect(found.results[0].result.unsigned['m.relations']['m.replace'].event_id).to.equal(change)
    await edit(bob, original, 'crocodile')
    expect(ids(await search(bob, 'crocodile'))).to.deep.equal([])
    await redact(alice, change)
    expect(ids(await search(bob, 'chameleon'))).to.deep.equal([])
    expect(ids(await search(bob, 'gecko'))).to.deep.equal([original])
  })

  it('keeps to rooms, senders and types, and follows a room to what it was upgraded from', async () => {
    const other = await makeRoom(alice)
    const mine = await say(alice, 'badger')
    const yours = await say(bob, 'badger')
    const elsewhere = await say(alice, 'badger', other)
    const found = async (filter: object) => ids(await search(alice, 'badger', { filter }))
    expect(await found({})).to.deep.equal([elsewhere, yours, mine])
    expect(await found({ rooms: [other] })).to.deep.equal([elsewhere])
    expect(await found({ not_rooms: [other], senders: [bob.userId] })).to.deep.equal([yours])
    expect(await found({ types: ['m.room.name'] })).to.deep.equal([])
    const upgraded = (await alice.post(`/rooms/${roomId}/upgrade`, { new_version: '11' })).body.replacement_room
    expect(await found({ rooms: [upgraded] })).to.deep.equal([yours, mine])
  })

  it('gives results in pages, in both orders', async () => {
    for (const order_by of ['recent', 'rank']) {
      const word = `otter${order_by}`
      const all: string[] = []
      for (let count = 0; count < 5; count++) all.push(await say(alice, `${word} ${'and more '.repeat(count)}`))
      const expected = order_by === 'recent' ? all.toReversed() : all
      const first = await search(alice, word, { order_by, filter: { limit: 2 } })
      expect([ids(first), first.count]).to.deep.equal([expected.slice(0, 2), 5])
      const second = await search(alice, word, { order_by, filter: { limit: 2 } }, first.next_batch)
      const third = await search(alice, word, { order_by, filter: { limit: 2 } }, second.next_batch)
      expect([...ids(second), ...ids(third)]).to.deep.equal(expected.slice(2))
      expect(third).to.not.have.property('next_batch')
    }
  })

  it('groups by room and by sender, each group with a next page of its own', async () => {
    const other = await makeRoom(alice)
    const [older, newer] = [await say(alice, 'stoat'), await say(bob, 'stoat')]
    await say(alice, 'stoat', other)
    const groupings = { group_by: [{ key: 'room_id' }, { key: 'sender' }] }
    const { groups } = await search(alice, 'stoat', { groupings, filter: { limit: 2 } })
    expect(groups.room_id[roomId].results).to.deep.equal([newer])
    expect(Object.keys(groups.sender)).to.have.members([alice.userId, bob.userId])
    const more = await search(alice, 'stoat', { filter: { limit: 2 } }, groups.room_id[roomId].next_batch)
    expect(ids(more)).to.deep.equal([older])
  })

  it('shows what was said around a result, profiles and state', async () => {
    const before = await say(bob, 'before')
    const hit = await say(alice, 'marmot')
    const after = await say(bob, 'after')
    const asked = { event_context: { before_limit: 1, after_limit: 1, include_profile: true }, include_state: true }
    const { results, state } = await search(bob, 'marmot', asked)
    const { context, result } = results[0]
    expect(result.event_id).to.equal(hit)
    expect(context.events_before.map((event: Body) => event.event_id)).to.deep.equal([before])
    expect(context.events_after.map((event: Body) => event.event_id)).to.deep.equal([after])
    expect(context.profile_info).to.have.all.keys(alice.userId, bob.userId)
    expect(state[roomId].map((event: Body) => event.type)).to.include.members(['m.room.create', 'm.room.member'])
    const page = await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', from: context.start, limit: '1' } })
    expect(page.body.chunk[0].event_id).to.not.be.oneOf([before, hit, after])
  })

  it('hides whom the searcher ignores', async () => {
    await say(bob, 'weasel')
    await alice.put(`/user/${alice.userId}/account_data/m.ignored_user_list`, { ignored_users: { [bob.userId]: {} } })
    expect(ids(await search(alice, 'weasel'))).to.deep.equal([])
  })

  it('goes on where it was after a restart', async () => {
    const early = await say(alice, 'ferret')
    server = await server.restart()
    const again = server.as(alice.token)
    const late = (await again.put(`/rooms/${roomId}/send/m.room.message/r1`, { msgtype: 'm.text', body: 'ferret' })).body.event_id
    const { body } = await again.post('/search', { search_categories: { room_events: { search_term: 'ferret', order_by: 'recent' } } })
    expect(ids(body.search_categories.room_events)).to.deep.equal([late, early])
  })

  it('refuses what is no search', async () => {
    const ask = (criteria: unknown, query: Record<string, string> = {}) =>
      alice.request('POST', '/search', { search_categories: { room_events: criteria } }, { query })
    for (const [criteria, errcode] of [
      [{}, 'M_MISSING_PARAM'],
      [{ search_term: 1 }, 'M_BAD_JSON'],
      [{ search_term: 'x', keys: ['content.secret'] }, 'M_INVALID_PARAM'],
      [{ search_term: 'x', order_by: 'age' }, 'M_INVALID_PARAM'],
      [{ search_term: 'x', filter: { limit: -1 } }, 'M_BAD_JSON'],
      [{ search_term: 'x', event_context: { before_limit: -1 } }, 'M_INVALID_PARAM'],
      [{ search_term: 'x', groupings: { group_by: [7] } }, 'M_BAD_JSON'],
    ] as const) {
      const { status, body } = await ask(criteria)
      expect([status, body.errcode], JSON.stringify(criteria)).to.deep.equal([400, errcode])
    }
    for (const next_batch of ['x', 'f1_', 'f1_bnVsbA', `f1_${Buffer.from('["recent",-1,0,"",""]').toString('base64url')}`]) {
      expect((await ask({ search_term: 'x', order_by: 'recent' }, { next_batch })).status, next_batch).to.equal(400)
    }
    expect((await alice.post('/search', {})).status).to.equal(400)
    expect((await alice.post('/search', { search_categories: {} })).body).to.deep.equal({ search_categories: {} })
  })
}
