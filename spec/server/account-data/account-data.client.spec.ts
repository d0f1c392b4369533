import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`account data on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
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
  })

  const room = '!somewhere'
  const own = (user: TestUser, type: string) => `/user/${user.userId}/account_data/${type}`
  const inRoom = (user: TestUser, type: string, roomId = room) => `/user/${user.userId}/rooms/${roomId}/account_data/${type}`
  const tags = (user: TestUser, tag = '') => `/user/${user.userId}/rooms/${room}/tags${tag && `/${encodeURIComponent(tag)}`}`
  const answered = ({ status, body }: { status: number; body: Body }) => [status, body['errcode']]

  it('is read as it was set, of the account and of each room', async () => {
    await alice.put(own(alice, 'org.test'), { of: 'account', float: 0.5, deep: [{ text: '\u0000 \ud83d\ude00' }] })
    await alice.put(inRoom(alice, 'org.test'), { of: 'room' })
    expect((await alice.get(own(alice, 'org.test'))).body).to.deep.equal({
      of: 'account',
      float: 0.5,
      deep: [{ text: '\u0000 \ud83d\ude00' }],
    })
    expect((await alice.get(inRoom(alice, 'org.test'))).body).to.deep.equal({ of: 'room' })
    await alice.put(own(alice, 'org.test'), {})
    expect((await alice.get(own(alice, 'org.test'))).body).to.deep.equal({})
  })

  it('is there after a restart', async () => {
    await alice.put(own(alice, 'irc'), { networks: [1] })
    server = await server.restart()
    expect((await server.as(alice.token).get(own(alice, 'irc'))).body).to.deep.equal({ networks: [1] })
  })

  it('that was never set is not found', async () => {
    expect(answered(await alice.get(own(alice, 'm.secret_storage.default_key')))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(answered(await alice.get(inRoom(alice, 'm.fully_read')))).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('may have a type with slashes in it', async () => {
    const type = encodeURIComponent('m.secret_storage.key.a/b+c')
    await alice.put(own(alice, type), { key: 1 })
    expect((await alice.get(own(alice, type))).body).to.deep.equal({ key: 1 })
  })

  it('is nobody else’s', async () => {
    await alice.put(own(alice, 'org.test'), { secret: true })
    for (const path of [own(alice, 'org.test'), inRoom(alice, 'org.test'), tags(alice), `/user/${alice.userId}/filter/x`]) {
      expect(answered(await bob.get(path)), path).to.deep.equal([403, 'M_FORBIDDEN'])
    }
    for (const path of [own(alice, 'org.test'), inRoom(alice, 'org.test'), tags(alice, 'u.x')]) {
      expect(answered(await bob.put(path, {})), path).to.deep.equal([403, 'M_FORBIDDEN'])
    }
  })

  it('that the server manages cannot be set', async () => {
    for (const type of ['m.fully_read', 'm.push_rules']) {
      expect(answered(await alice.put(own(alice, type), {}))).to.deep.equal([405, 'M_BAD_JSON'])
      expect(answered(await alice.put(inRoom(alice, type), {}))).to.deep.equal([405, 'M_BAD_JSON'])
    }
    expect((await alice.get(own(alice, 'm.push_rules'))).body['global'].override[0].rule_id).to.equal('.m.rule.master')
  })

  it('is refused when it is no object, for no room, and for odd types', async () => {
    expect(answered(await alice.put(own(alice, 'org.test'), '[]'))).to.deep.equal([400, 'M_BAD_JSON'])
    expect(answered(await alice.put(own(alice, 'org.test'), '{'))).to.deep.equal([400, 'M_NOT_JSON'])
    expect(answered(await alice.put(inRoom(alice, 'org.test', 'somewhere'), {}))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(answered(await alice.put(own(alice, 'x'.repeat(256)), {}))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(answered(await alice.put(own(alice, '%00'), {}))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(answered(await alice.put(own(alice, 'org.test'), '{"half":"\\ud800"}'))).to.deep.equal([400, 'M_BAD_JSON'])
  })

  it('does not let users ignore themselves', async () => {
    const ignored_users = { [alice.userId]: {} }
    expect(answered(await alice.put(own(alice, 'm.ignored_user_list'), { ignored_users }))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect((await alice.put(own(alice, 'm.ignored_user_list'), { ignored_users: { [bob.userId]: {} } })).status).to.equal(200)
  })

  it('comes with the first sync, then when it changes, and wakes a long poll', async () => {
    await alice.put(own(alice, 'org.test'), { n: 1 })
    const { body } = await alice.get('/sync')
    const types = body['account_data'].events.map((event: Body) => event['type'])
    expect(types).to.have.members(['m.push_rules', 'org.test'])
    const poll = alice.get('/sync', { query: { since: body['next_batch'], timeout: '170000' } })
    await alice.put(own(alice, 'org.test'), { n: 2 })
    const { body: next } = await poll
    expect(next['account_data'].events).to.deep.equal([{ type: 'org.test', content: { n: 2 } }])
    const { body: last } = await alice.get('/sync', { query: { since: next['next_batch'] } })
    expect(last['account_data']).to.equal(undefined)
  })

  it('of a room comes with the room, also when it was set before the user joined', async () => {
    const roomId = String((await bob.post('/createRoom', { preset: 'public_chat' })).body['room_id'])
    await alice.put(inRoom(alice, 'org.test', roomId), { early: true })
    const { body } = await alice.get('/sync')
    await alice.post(`/rooms/${roomId}/join`)
    const { body: next } = await alice.get('/sync', { query: { since: body['next_batch'] } })
    expect(next['rooms'].join[roomId].account_data.events).to.deep.equal([{ type: 'org.test', content: { early: true } }])
  })

  it('holds the tags of a room, each set and deleted on its own, also all at once', async () => {
    const names = Array.from({ length: 10 }, (_, at) => `u.tag/${at}`)
    await Promise.all(names.map((tag, at) => alice.put(tags(alice, tag), { order: at / 10 })))
    await alice.delete(tags(alice, 'u.tag/0'))
    await alice.delete(tags(alice, 'u.unknown'))
    const { body } = await alice.get(tags(alice))
    expect(body).to.deep.equal({ tags: Object.fromEntries(names.slice(1).map((tag, at) => [tag, { order: (at + 1) / 10 }])) })
    expect((await alice.get(inRoom(alice, 'm.tag'))).body).to.deep.equal(body)
  })

  it('refuses tags of more than 255 bytes or with an odd order', async () => {
    expect(answered(await alice.put(tags(alice, 'é'.repeat(128)), {}))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect((await alice.put(tags(alice, 'é'.repeat(127)), {})).status).to.equal(200)
    expect(answered(await alice.put(tags(alice, 'u.x'), { order: 'first' }))).to.deep.equal([400, 'M_BAD_JSON'])
  })

  it('has filters beside it, the same one under the same id', async () => {
    const define = async (filter: object) => (await alice.post(`/user/${alice.userId}/filter`, filter)).body
    const { filter_id: id } = await define({ room: { timeline: { limit: 7 } }, event_fields: ['type'] })
    expect((await define({ event_fields: ['type'], room: { timeline: { limit: 7 } } }))['filter_id']).to.equal(id)
    expect(id).to.not.match(/^\{/)
    expect((await alice.get(`/user/${alice.userId}/filter/${id}`)).body).to.deep.equal({
      room: { timeline: { limit: 7 } },
      event_fields: ['type'],
    })
    expect(answered(await alice.get(`/user/${alice.userId}/filter/unknown`))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(answered(await bob.get(`/user/${bob.userId}/filter/${id}`)), 'of somebody else').to.deep.equal([404, 'M_NOT_FOUND'])
    expect((await define({ room: [] }))['errcode']).to.equal('M_BAD_JSON')
    expect((await define({ room: { timeline: { limit: -1 } } }))['errcode']).to.equal('M_BAD_JSON')
  })
}
