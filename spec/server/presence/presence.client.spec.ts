import { expect } from 'chai'
import { selectPresence } from '../../../server/presence/presence.store.ts'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`presence on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startServer({ engine, config: { presence: { enabled: true } } })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
  })

  const share = async () => {
    const { room_id } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
    await bob.post(`/join/${room_id}`)
    return room_id as string
  }
  const sync = async (user: TestUser, query: Record<string, string> = {}): Promise<Body> =>
    (await user.get('/sync', { query: { set_presence: 'offline', ...query } })).body
  const say = (user: TestUser, presence: string, more: object = {}) => user.put(`/presence/${user.userId}/status`, { presence, ...more })
  const see = (user: TestUser, whom: TestUser) => user.get(`/presence/${whom.userId}/status`)
  const toldOf = (body: Body, whom: TestUser) => (body.presence?.events ?? []).find(({ sender }: Body) => sender === whom.userId)?.content
  /** Polls until somebody is told of. */
  const untilTold = async (user: TestUser, since: string, whom: TestUser, presence: string): Promise<Body> => {
    const body = await sync(user, { since, timeout: '10000' })
    const told = toldOf(body, whom)
    return told?.presence === presence ? told : untilTold(user, body.next_batch, whom, presence)
  }

  it('is told to those who share a room, with its message, and asked for by them', async () => {
    await share()
    const { next_batch } = await sync(alice)
    await say(bob, 'unavailable', { status_msg: 'at lunch' })
    const told = await untilTold(alice, next_batch, bob, 'unavailable')
    expect(told).to.include({ presence: 'unavailable', status_msg: 'at lunch', currently_active: false })
    expect((await see(alice, bob)).body).to.include({ presence: 'unavailable', status_msg: 'at lunch' })
    expect(toldOf(await sync(alice), bob)).to.include({ presence: 'unavailable' })
    expect((await see(bob, bob)).body.presence).to.equal('unavailable')
  })

  it('is told to nobody else', async () => {
    const { next_batch } = await sync(alice)
    await say(bob, 'online')
    await alice.post('/createRoom', {})
    await say(alice, 'online')
    while (toldOf(await sync(alice), alice)?.presence !== 'online') await say(alice, 'online')
    expect(toldOf(await sync(alice, { since: next_batch }), bob)).to.equal(undefined)
    expect((await see(alice, bob)).status).to.equal(403)
    expect(toldOf(await sync(alice), bob)).to.equal(undefined)
  })

  it('is told of those in a room that one joins', async () => {
    await say(bob, 'online')
    const { room_id } = (await bob.post('/createRoom', { preset: 'public_chat' })).body
    const { next_batch } = await sync(alice)
    await alice.post(`/join/${room_id}`)
    expect(toldOf(await sync(alice, { since: next_batch, timeout: '1000' }), bob)).to.include({
      presence: 'online',
      currently_active: true,
    })
  })

  it('comes with the join of those who join a room that one is in, and with no change of their names', async () => {
    const { room_id } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
    await say(bob, 'online', { status_msg: 'new here' })
    while ((await server.server.home.database.selectOne(selectPresence, bob.userId)) === undefined) await see(bob, bob)
    const { next_batch } = await sync(alice)
    await bob.post(`/join/${room_id}`)
    const told = await sync(alice, { since: next_batch, timeout: '10000' })
    expect(told.rooms.join[room_id].timeline.events.at(-1).state_key).to.equal(bob.userId)
    expect(toldOf(told, bob)).to.include({ presence: 'online', status_msg: 'new here' })
    await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Robert' })
    const renamed = await sync(alice, { since: told.next_batch, timeout: '10000' })
    expect([renamed.rooms.join[room_id].timeline.events.length, toldOf(renamed, bob)]).to.deep.equal([1, undefined])
  })

  it('is online for whoever syncs, unless they say otherwise', async () => {
    await share()
    await sync(bob, { set_presence: 'offline' })
    expect((await see(alice, bob)).body.presence).to.equal('offline')
    await sync(bob, { set_presence: 'unavailable' })
    expect((await see(alice, bob)).body.presence).to.equal('unavailable')
    const { next_batch } = await sync(alice)
    await bob.get('/sync')
    expect((await untilTold(alice, next_batch, bob, 'online')).presence).to.equal('online')
    await sync(bob, { set_presence: 'offline' })
    expect((await see(alice, bob)).body.presence).to.equal('offline')
  })

  it('keeps its message until another one is said', async () => {
    await share()
    await say(bob, 'online', { status_msg: 'hello' })
    await say(bob, 'offline')
    await bob.get('/sync')
    const seen = async () => (await see(alice, bob)).body.status_msg
    expect(await seen()).to.equal('hello')
    await say(bob, 'online', { status_msg: '' })
    expect(await seen()).to.equal(undefined)
  })

  it('is refused for others and for what it cannot be', async () => {
    expect((await alice.put(`/presence/${bob.userId}/status`, { presence: 'online' })).status).to.equal(403)
    for (const body of [
      {},
      { presence: 'dancing' },
      { presence: 1 },
      { presence: 'online', status_msg: 'x'.repeat(2000) },
      { presence: 'online', status_msg: 1 },
    ]) {
      expect((await alice.put(`/presence/${alice.userId}/status`, body)).status, JSON.stringify(body).slice(0, 60)).to.equal(400)
    }
  })
}

describe('presence where it is switched off', () => {
  it('is offline, and nobody is told of any', async () => {
    const server = await startServer({ config: { presence: { enabled: false } } })
    try {
      const alice = await server.register('alice')
      const path = `/presence/${alice.userId}/status`
      expect((await alice.put(path, { presence: 'online' })).status).to.equal(200)
      expect((await alice.get(path)).body).to.deep.equal({ presence: 'offline' })
      expect((await alice.get('/sync')).body).to.not.have.property('presence')
    } finally {
      await server.close()
    }
  })
})
