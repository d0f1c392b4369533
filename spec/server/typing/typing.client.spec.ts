import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`typing on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let room: string
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
  })

  const type = (user: TestUser, body: object, as = user.userId) => user.put(`/rooms/${room}/typing/${as}`, body)
  const position = async (user: TestUser) => String((await user.get('/sync')).body['next_batch'])
  /** Waits for the next answer that tells who types. */
  const typists = async (user: TestUser, since: string): Promise<{ users: string[]; next: string }> => {
    const { body } = await user.get('/sync', { query: { since, timeout: '10000' } })
    const next = String(body['next_batch'])
    const event = (body['rooms']?.join?.[room]?.ephemeral?.events ?? []).find((one: Body) => one['type'] === 'm.typing')
    return event ? { users: event.content.user_ids, next } : typists(user, next)
  }

  it('is told to all members, the whole list each time, until it ends', async () => {
    const since = await position(alice)
    expect((await type(bob, { typing: true, timeout: 30_000 })).body).to.deep.equal({})
    const first = await typists(alice, since)
    expect(first.users).to.deep.equal([bob.userId])
    await type(alice, { typing: true })
    const second = await typists(alice, first.next)
    expect(second.users).to.deep.equal([alice.userId, bob.userId])
    await type(bob, { typing: false })
    const third = await typists(alice, second.next)
    expect(third.users).to.deep.equal([alice.userId])
    await type(alice, { typing: false })
    expect((await typists(alice, third.next)).users).to.deep.equal([])
  })

  it('ends by itself', async () => {
    const since = await position(alice)
    await type(bob, { typing: true, timeout: 20 })
    let { users, next } = await typists(alice, since)
    while (users.length > 0) ({ users, next } = await typists(alice, next))
    expect(users).to.deep.equal([])
  })

  it('is refused for others, strangers and odd bodies', async () => {
    const answered = ({ status, body }: { status: number; body: Body }) => [status, body['errcode']]
    expect(answered(await type(bob, { typing: true }, alice.userId))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(answered(await type(await server.register(`carol${people}`), { typing: true }))).to.deep.equal([403, 'M_FORBIDDEN'])
    for (const body of [{}, { typing: 'yes' }, { typing: true, timeout: 'long' }, { typing: true, timeout: 1.5 }]) {
      expect(answered(await type(bob, body)), JSON.stringify(body)).to.deep.equal([400, 'M_BAD_JSON'])
    }
  })
}
