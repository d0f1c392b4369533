import { expect } from 'chai'
import { type AmongPeers, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import type { TestUser } from '../../support/server.ts'

const federation = '/_matrix/federation/v1'

describe('rooms that are named and listed across servers', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  before(async () => {
    among = (await startServerWithPeers(1))!
    peer = among.peers[0]!
    alice = await among.server.register('alice')
  })
  after(() => among.close())

  const answering = (method: string, path: string, reply: PeerReply) => peer.on(method, federation + path, () => reply)
  const lookUp = () => among.server.anonymous.get(`/directory/room/${encodeURIComponent(`#harbour:${peer.serverName}`)}`)

  describe('an alias of another server', () => {
    it('is looked up there, and the names that are servers are given on', async () => {
      answering('GET', '/query/directory', { body: { room_id: '!there', servers: [peer.serverName, 'b.example', 'b.example', 7, 'a b'] } })
      const { status, body } = await lookUp()
      expect({ status, body }).to.deep.equal({ status: 200, body: { room_id: '!there', servers: [peer.serverName, 'b.example'] } })
      const asked = peer.asked.at(-1)
      expect(asked?.query.get('room_alias')).to.equal(`#harbour:${peer.serverName}`)
      expect(asked?.isSignedBy(among.server.server.home.signingKey.publicKey)).to.equal(true)
    })

    it('leads to its own server when that names none', async () => {
      answering('GET', '/query/directory', { body: { room_id: '!there', servers: [] } })
      expect((await lookUp()).body.servers).to.deep.equal([peer.serverName])
    })

    const answers: Readonly<Record<string, [reply: PeerReply, status: number, errcode: string]>> = {
      'there is none': [{ status: 404, body: { errcode: 'M_NOT_FOUND' } }, 404, 'M_NOT_FOUND'],
      'the server takes the question for that of a client': [
        { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true, error: '<b>log in</b>' } },
        502,
        'M_UNKNOWN',
      ],
      'the answer is a page': [{ body: '<html></html>' }, 502, 'M_UNKNOWN'],
      'the room is none': [{ body: { room_id: 'there', servers: [] } }, 502, 'M_UNKNOWN'],
      'the servers are no list': [{ body: { room_id: '!there', servers: { length: 1e9 } } }, 502, 'M_UNKNOWN'],
      'the answer is endless': [{ body: { room_id: '!there', servers: ['a'.repeat(1_000_000)] } }, 502, 'M_UNKNOWN'],
      'it leads elsewhere': [{ status: 302, headers: { Location: 'https://hs.test/' } }, 502, 'M_UNKNOWN'],
      'the server is busy': [{ status: 429, body: {} }, 429, 'M_LIMIT_EXCEEDED'],
    }
    for (const [words, [reply, status, errcode]] of Object.entries(answers)) {
      it(`is answered with ${status} when ${words}`, async () => {
        answering('GET', '/query/directory', reply)
        const answer = await lookUp()
        expect({ status: answer.status, errcode: answer.body.errcode }).to.deep.equal({ status, errcode })
        expect(answer.text).not.to.contain('soft_logout').and.not.to.contain('log in')
      })
    }
  })

  describe('the directory of another server', () => {
    const room = {
      room_id: '!one',
      num_joined_members: 3,
      world_readable: true,
      guest_can_join: false,
      name: 'One',
      avatar_url: 'mxc://there.example/a',
    }

    it('is asked by those who are logged in, page by page', async () => {
      answering('GET', '/publicRooms', { body: { chunk: [room], next_batch: 'n', total_room_count_estimate: 9 } })
      const { status, body } = await alice.get('/publicRooms', { query: { server: peer.serverName, limit: '5', since: 'a&b' } })
      expect({ status, body }).to.deep.equal({ status: 200, body: { chunk: [room], next_batch: 'n', total_room_count_estimate: 9 } })
      expect([...peer.asked.at(-1)!.query]).to.deep.equal([
        ['limit', '5'],
        ['since', 'a&b'],
      ])
      const before = peer.asked.length
      expect((await among.server.anonymous.get('/publicRooms', { query: { server: peer.serverName } })).status).to.equal(401)
      expect(peer.asked.length).to.equal(before)
    })

    it('is searched', async () => {
      answering('POST', '/publicRooms', { body: { chunk: [] } })
      const filter = { generic_search_term: 'one', room_types: [null] }
      const { status } = await alice.post('/publicRooms', { limit: 2, since: 'x', filter, more: 1 }, { query: { server: peer.serverName } })
      expect(status).to.equal(200)
      expect(peer.asked.at(-1)?.content).to.deep.equal({ limit: 2, since: 'x', filter })
    })

    it('is given on without what is malformed', async () => {
      const wrong = {
        room_id: '!two',
        num_joined_members: 'many',
        world_readable: 1,
        name: { en: 'x' },
        avatar_url: 'javascript:x',
        extra: 1,
      }
      answering('GET', '/publicRooms', {
        body: { chunk: [null, 'x', { name: 'no id' }, wrong], next_batch: 7, prev_batch: '', total_room_count_estimate: -1 },
      })
      const { body } = await alice.get('/publicRooms', { query: { server: peer.serverName } })
      const rest = { room_id: '!two', num_joined_members: 0, world_readable: false, guest_can_join: false }
      expect(body).to.deep.equal({ chunk: [rest] })
    })

    it('is not asked of what is no server, and a refusal stays one', async () => {
      expect((await alice.get('/publicRooms', { query: { server: 'a/b?' } })).body.errcode).to.equal('M_INVALID_PARAM')
      answering('GET', '/publicRooms', { status: 403, body: { errcode: 'M_FORBIDDEN' } })
      const refused = await alice.get('/publicRooms', { query: { server: peer.serverName } })
      expect({ status: refused.status, errcode: refused.body.errcode }).to.deep.equal({ status: 403, errcode: 'M_FORBIDDEN' })
      answering('GET', '/publicRooms', { body: { chunk: 'x' } })
      expect((await alice.get('/publicRooms', { query: { server: peer.serverName } })).status).to.equal(502)
    })
  })

  it('are not listed to other servers unless the configuration says so', async () => {
    for (const method of ['GET', 'POST']) {
      const { status, body } = await peer.ask(among.server, method, `${federation}/publicRooms`, method === 'POST' ? {} : undefined)
      expect({ status, errcode: body.errcode }).to.deep.equal({ status: 403, errcode: 'M_FORBIDDEN' })
    }
  })

  it('are told to nobody by a query of no known type', async () => {
    const { status, body } = await peer.ask(among.server, 'GET', `${federation}/query/weather?room_alias=x`)
    expect({ status, errcode: body.errcode }).to.deep.equal({ status: 404, errcode: 'M_NOT_FOUND' })
  })
})

describe('a server that lists its rooms to others', () => {
  it('answers pages and searches under their signatures alone', async () => {
    const among = (await startServerWithPeers(1, { config: { federation: { list_public_rooms: true } as never } }))!
    try {
      const [peer] = among.peers
      const admin = await among.server.register('admin', { admin: true })
      for (const name of ['Harbour', 'Quay']) await admin.post('/createRoom', { name, preset: 'public_chat', visibility: 'public' })
      const ask = async (method: string, query: string, content?: object) =>
        (await peer!.ask(among.server, method, `${federation}/publicRooms${query}`, content as never)).body
      const names = ({ chunk }: { chunk: { name: string }[] }) => chunk.map(({ name }) => name)
      const page = await ask('GET', '?limit=1')
      const rest = await ask('GET', `?limit=1&since=${page.next_batch}`)
      expect([...names(page), ...names(rest)].sort()).to.deep.equal(['Harbour', 'Quay'])
      expect(names(await ask('POST', '', { filter: { generic_search_term: 'quay' } }))).to.deep.equal(['Quay'])
      expect((await ask('POST', '', { limit: 'x' })).errcode).to.equal('M_BAD_JSON')
      expect((await among.server.anonymous.get(`${federation}/publicRooms`)).status).to.equal(401)
    } finally {
      await among.close()
    }
  })
})
