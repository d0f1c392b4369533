import { expect } from 'chai'
import { write } from '../../../server/storage/database.ts'
import { insertWords, upsertUser } from '../../../server/user-directory/user-directory.store.ts'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { ghost, registration, serverWith } from '../appservice/fake-bridge.ts'

for (const engine of engines) describe(`the user directory on ${engine}`, () => declare(engine))

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
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
  })

  const search = async (user: TestUser, search_term: string, more: object = {}): Promise<Body> =>
    (await user.post('/user_directory/search', { search_term, ...more })).body
  const ids = ({ results }: Body): string[] => results.map(({ user_id }: Body) => user_id)
  const share = async (host: TestUser, guest: TestUser) => {
    const { room_id } = (await host.post('/createRoom', { invite: [guest.userId] })).body
    await guest.post(`/join/${room_id}`)
    return room_id as string
  }
  const rename = (user: TestUser, displayname: string) => user.put(`/profile/${user.userId}/displayname`, { displayname })

  it('shows whoever is in a room with the searcher, and nobody else of private rooms', async () => {
    const stranger = await server.register(`bobstranger${people}`)
    await stranger.post('/createRoom', {})
    const roomId = await share(alice, bob)
    expect(ids(await search(alice, 'BOB')))
      .to.include(bob.userId)
      .and.not.include(stranger.userId)
    await bob.post(`/rooms/${roomId}/leave`)
    expect(ids(await search(alice, 'bob'))).to.not.include(bob.userId)
  })

  it('shows whoever is in a room that everybody may join or read, as long as it is so', async () => {
    for (const [type, open, closed] of [
      ['m.room.join_rules', { join_rule: 'public' }, { join_rule: 'invite' }],
      ['m.room.history_visibility', { history_visibility: 'world_readable' }, { history_visibility: 'shared' }],
    ] as const) {
      const { room_id } = (await bob.post('/createRoom', {})).body
      expect(ids(await search(alice, bob.userId))).to.deep.equal([])
      await bob.put(`/rooms/${room_id}/state/${type}`, open)
      expect(ids(await search(alice, bob.userId)), type).to.deep.equal([bob.userId])
      await bob.put(`/rooms/${room_id}/state/${type}`, closed)
      expect(ids(await search(alice, bob.userId)), type).to.deep.equal([])
    }
  })

  it('finds by the beginnings of words of the name, the localpart and the id, and follows a new name', async () => {
    await share(alice, bob)
    await rename(bob, 'Zoë Łukasz-Müller')
    for (const term of ['zoe', 'mul', 'muller zo', bob.userId, bob.userId.slice(0, 5), bob.userId.slice(1), ' Zoë ']) {
      expect(ids(await search(alice, term)), term).to.include(bob.userId)
    }
    expect((await search(alice, 'zoe')).results[0]).to.deep.equal({ user_id: bob.userId, display_name: 'Zoë Łukasz-Müller' })
    for (const term of ['oe', 'zoe xavier', '%', "'", '', '@', 'zoe:hs.test']) {
      expect(
        ids(await search(alice, term)).filter((id) => id === bob.userId && term !== '@'),
        term,
      ).to.deep.equal([])
    }
    await rename(bob, 'Yannick')
    expect(ids(await search(alice, 'zoe'))).to.deep.equal([])
    expect(ids(await search(alice, 'yannick'))).to.deep.equal([bob.userId])
  })

  it('puts whole words before beginnings, gives as many as asked for and says when there are more', async () => {
    const carol = await server.register(`carol${people}`)
    await share(alice, bob)
    await share(alice, carol)
    await rename(bob, 'Quentinson')
    await rename(carol, 'Quentin')
    expect(await search(alice, 'quentin', { limit: 1 })).to.deep.equal({
      results: [{ user_id: carol.userId, display_name: 'Quentin' }],
      limited: true,
    })
    expect((await search(alice, 'quentin', { limit: 2 })).limited).to.equal(false)
    expect(ids(await search(carol, 'quentin'))).to.not.include(carol.userId)
  })

  it('finds whoever one knows behind thousands of strangers whose names begin alike', async () => {
    const strangers = Array.from({ length: 1200 }, (_, at) => `@crowd${people}-${at}:hs.test`)
    const writes = strangers.flatMap((userId) => [write(upsertUser, userId, 'Jo', null, 'jo'), write(insertWords, userId, ['jo'])])
    await server.server.home.database.commit({ writes })
    await share(alice, bob)
    await rename(bob, 'Joseph')
    expect(await search(alice, 'jo', { limit: 5 })).to.deep.equal({
      results: [{ user_id: bob.userId, display_name: 'Joseph' }],
      limited: false,
    })
  })

  it('refuses what is no search', async () => {
    for (const body of [
      {},
      { search_term: 1 },
      { search_term: 'x', limit: -1 },
      { search_term: 'x', limit: '1' },
      { search_term: 'x'.repeat(600) },
    ]) {
      expect((await alice.post('/user_directory/search', body)).status, JSON.stringify(body).slice(0, 50)).to.equal(400)
    }
  })
}

describe('the user directory beside an application service', () => {
  it("shows the service's users to those alone who name one whole", async () => {
    const server = await serverWith(registration(null))
    try {
      const alice = await server.register('alice')
      const bridged = await ghost(server, 'bridge_bob')
      const { room_id } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
      await bridged.post(`/join/${room_id}`)
      const found = async (search_term: string) => (await alice.post('/user_directory/search', { search_term })).body.results
      expect(await found('bridge')).to.deep.equal([])
      expect((await found('@bridge_bob:hs.test'))[0].user_id).to.equal('@bridge_bob:hs.test')
    } finally {
      await server.close()
    }
  })
})
