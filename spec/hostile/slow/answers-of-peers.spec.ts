import { Readable } from 'node:stream'
import { expect } from 'chai'
import { type AmongPeers, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import { hostRoom } from '../../support/peers/hosted-room.ts'
import type { Answered, TestUser } from '../../support/server.ts'

/** What a server answers instead of what it was asked for. */
const answers: Readonly<Record<string, (peer: Peer) => PeerReply>> = {
  'that a token is unknown': () => ({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'evil', soft_logout: true } }),
  'that a token is missing': () => ({ status: 401, body: { errcode: 'M_MISSING_TOKEN', error: 'evil', soft_logout: true } }),
  'that an account is locked': () => ({ status: 401, body: { errcode: 'M_USER_LOCKED', error: 'evil', soft_logout: true } }),
  'that a token is unknown, as a refusal': () => ({ status: 403, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'evil', soft_logout: true } }),
  'that an account is suspended': () => ({ status: 403, body: { errcode: 'M_USER_SUSPENDED', error: 'evil', soft_logout: true } }),
  'that it wants authentication': () => ({ status: 401, body: { flows: [{ stages: ['m.login.password'] }], session: 'evil', params: {} } }),
  'with a page': () => ({ status: 403, body: '<html><script>evil</script></html>', headers: { 'Content-Type': 'text/html' } }),
  'with a redirect': (peer) => ({ status: 302, body: { evil: true }, headers: { Location: `https://${peer.serverName}/evil` } }),
  'with a lasting redirect': (peer) => ({ status: 308, body: { evil: true }, headers: { Location: `https://${peer.serverName}/evil` } }),
  'with 599': () => ({ status: 599, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'evil', retry_after_ms: 1e15 } }),
  'with ten megabytes': () => ({ body: `{"evil":"${'x'.repeat(10_000_000)}"}` }),
  'with ten megabytes of refusal': () => ({ status: 403, body: `{"errcode":"M_FORBIDDEN","error":"${'evil'.repeat(2_500_000)}"}` }),
  'with half an object': () => ({ body: '{"evil": ' }),
  'with a list': () => ({ body: '["evil"]' }),
  'with nothing': () => ({ body: '' }),
  'with a code that is none': () => ({ status: 403, body: { errcode: { evil: 1 }, error: ['evil'], soft_logout: true } }),
  'with a success that is a refusal': () => ({ status: 200, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'evil', soft_logout: true } }),
  'and hangs up': () => ({
    body: Readable.from(
      (async function* () {
        yield '{"evil":'
        throw new Error('hung up')
      })(),
    ),
  }),
}

/** S-11. Whatever other servers answer, a client's session is not what they speak of, and their words are not ours. */
describe('what other servers answer to what clients ask of them (S-11)', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let reply: (peer: Peer) => PeerReply
  let asked = 0
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    peer = among.peers[0] as Peer
    alice = await among.server.register('alice')
    const room = hostRoom(peer)
    await alice.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
    for (const method of ['GET', 'PUT', 'POST']) peer.on(method, '/_matrix/federation/{rest}', () => reply(peer))
    for (const method of ['GET', 'PUT', 'POST']) {
      for (let parts = 2; parts < 7; parts++) {
        const path = `/_matrix/federation/${Array.from({ length: parts }, (_, n) => `{p${n}}`).join('/')}`
        peer.on(method, path, ({ path: at }) => {
          if (at.includes('/send/')) return { body: { pdus: {} } }
          asked += 1
          return reply(peer)
        })
      }
    }
  })
  after(() => among?.close())

  let names = 0
  const name = () => `x${names++}`
  /** What a client asks that this server has to ask another one for, each time about something else. */
  const questions: Readonly<Record<string, (user: TestUser) => Promise<Answered>>> = {
    profile: (user) => user.get(`/profile/${encodeURIComponent(`@${name()}:${peer.serverName}`)}`),
    displayname: (user) => user.get(`/profile/${encodeURIComponent(`@${name()}:${peer.serverName}`)}/displayname`),
    alias: (user) => user.get(`/directory/room/${encodeURIComponent(`#${name()}:${peer.serverName}`)}`),
    'join by alias': (user) => user.post(`/join/${encodeURIComponent(`#${name()}:${peer.serverName}`)}`),
    join: (user) => user.post(`/join/${encodeURIComponent(`!${name()}:${peer.serverName}`)}?via=${peer.serverName}`),
    'join by room': (user) => user.post(`/rooms/${encodeURIComponent(`!${name()}:${peer.serverName}`)}/join?via=${peer.serverName}`),
    knock: (user) => user.post(`/knock/${encodeURIComponent(`!${name()}:${peer.serverName}`)}?via=${peer.serverName}`),
    'public rooms': (user) => user.get(`/publicRooms?server=${peer.serverName}&limit=${(names++ % 90) + 1}`),
    'public rooms searched': (user) =>
      user.request('POST', '/publicRooms', { filter: { generic_search_term: name() } }, { query: { server: peer.serverName } }),
    'key query': (user) => user.post('/keys/query', { device_keys: { [`@${name()}:${peer.serverName}`]: [] } }),
    'key claim': (user) => user.post('/keys/claim', { one_time_keys: { [`@${name()}:${peer.serverName}`]: { A: 'signed_curve25519' } } }),
    file: (user) => user.get(`/_matrix/client/v1/media/download/${peer.serverName}/${name()}`),
    thumbnail: (user) => user.get(`/_matrix/client/v1/media/thumbnail/${peer.serverName}/${name()}?width=32&height=32`),
    summary: (user) =>
      user.get(`/_matrix/client/v1/room_summary/${encodeURIComponent(`!${name()}:${peer.serverName}`)}?via=${peer.serverName}`),
    invitation: async (user) => {
      const { room_id: roomId } = (await user.post('/createRoom', {})).body
      return user.post(`/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: `@${name()}:${peer.serverName}` })
    },
    'room with an invitation': (user) => user.post('/createRoom', { invite: [`@${name()}:${peer.serverName}`] }),
  }
  /** What may be told of a refusal in the other server's words, since it is the other server that decides. */
  const mayQuote = ['join', 'join by room', 'knock', 'invitation', 'room with an invitation']

  for (const [words, answer] of Object.entries(answers)) {
    it(`are taken for what they are when it answers ${words}`, async () => {
      reply = answer
      const before = asked
      for (const [question, ask] of Object.entries(questions)) {
        const { status, text, body, headers } = await ask(alice)
        const what = `${question}: ${status} ${text.slice(0, 300)}`
        expect(status, what).to.not.equal(401)
        expect(status, what).to.be.oneOf([200, 400, 403, 404, 413, 429, 502, 504])
        expect(headers.get('content-type'), what).to.match(/^application\/json/)
        expect(text.length, what).to.be.below(20_000)
        expect(headers.get('location'), what).to.equal(null)
        // A profile may have fields of any name.
        if (status === 200) continue
        for (const key of ['soft_logout', 'flows', 'session']) expect(text.includes(`"${key}"`), what).to.equal(false)
        for (const code of ['UNKNOWN_TOKEN', 'MISSING_TOKEN', 'USER_LOCKED', 'USER_SUSPENDED']) expect(text, what).to.not.include(code)
        if (!mayQuote.includes(question)) expect(text, what).to.not.include('evil')
        expect(body, what).to.include.keys('errcode', 'error')
      }
      expect(asked - before, 'how often it was asked').to.be.at.least(Object.keys(questions).length - 2)
      expect(peer.asked.filter(({ path }) => path === '/evil')).to.deep.equal([])
      expect((await alice.get('/account/whoami')).status).to.equal(200)
    })
  }

  it('leave nothing in the log that a server’s own fault would leave', () => {
    expect(among.server.log()).to.not.match(/a request failed/)
  })
})
