import { expect } from 'chai'
import { type AmongPeers, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import { untilAborted } from '../../support/server.ts'

describe('the profile of a user of another server', () => {
  let now = Date.now()
  let among: AmongPeers
  let peer: Peer
  let users = 0
  before(async () => {
    among = (await startServerWithPeers(1, { overrides: { clock: { now: () => now, sleep: untilAborted } } }))!
    peer = among.peers[0]!
  })
  after(() => among.close())

  /** Another user at each test: what was told of one is remembered. */
  const someone = () => `@user${++users}:${peer.serverName}`
  const saying = (reply: PeerReply) => peer.on('GET', '/_matrix/federation/v1/query/profile', () => reply)
  const ask = (userId: string, field = '') => among.server.anonymous.get(`/profile/${encodeURIComponent(userId)}${field}`)
  const questions = (userId: string) => peer.asked.filter(({ query }) => query.get('user_id') === userId).length

  it('is what their server says, whole and by its fields', async () => {
    const profile = { displayname: 'Bea', avatar_url: 'mxc://there.example/a', 'm.tz': 'Europe/Berlin' }
    saying({ body: profile })
    const user = someone()
    expect((await ask(user)).body).to.deep.equal(profile)
    expect((await ask(user, '/displayname')).body).to.deep.equal({ displayname: 'Bea' })
    expect((await ask(user, '/m.tz')).body).to.deep.equal({ 'm.tz': 'Europe/Berlin' })
    const absent = await ask(user, '/org.example.none')
    expect({ status: absent.status, errcode: absent.body.errcode }).to.deep.equal({ status: 404, errcode: 'M_NOT_FOUND' })
  })

  it('is asked for once in some minutes, and by many at once only once', async () => {
    saying({ body: { displayname: 'Bea' } })
    const user = someone()
    await Promise.all([ask(user), ask(user), ask(user, '/displayname')])
    now += 4 * 60_000
    await ask(user)
    expect(questions(user)).to.equal(1)
    now += 2 * 60_000
    await ask(user)
    expect(questions(user)).to.equal(2)
  })

  it('holds nothing that could not be a profile here', async () => {
    const user = someone()
    saying({
      body: { displayname: ['x'], avatar_url: 'https://elsewhere/', Upper: 1, 'm.tz': null, ok: { a: 1 }, ['k'.repeat(300)]: 1 },
    })
    expect((await ask(user)).body).to.deep.equal({ ok: { a: 1 } })
    const large = someone()
    saying({ body: { a: 'x'.repeat(70_000) } })
    expect((await ask(large)).body).to.deep.equal({})
  })

  const refusals: Readonly<Record<string, [reply: PeerReply, status: number, errcode: string]>> = {
    'does not know them': [{ status: 404, body: { errcode: 'M_NOT_FOUND' } }, 404, 'M_NOT_FOUND'],
    'does not tell': [{ status: 403, body: { errcode: 'M_FORBIDDEN' } }, 403, 'M_FORBIDDEN'],
    'speaks of a token': [{ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true } }, 502, 'M_UNKNOWN'],
    fails: [{ status: 599, body: { errcode: 'M_LIMIT_EXCEEDED' } }, 502, 'M_UNKNOWN'],
    'answers with no object': [{ body: '[]' }, 502, 'M_UNKNOWN'],
    'answers without end': [{ body: { a: 'x'.repeat(1_000_000) } }, 502, 'M_UNKNOWN'],
  }
  for (const [words, [reply, status, errcode]] of Object.entries(refusals)) {
    it(`is answered with ${status} when their server ${words}`, async () => {
      saying(reply)
      const user = someone()
      const answer = await ask(user)
      expect({ status: answer.status, errcode: answer.body.errcode }).to.deep.equal({ status, errcode })
      expect(answer.body).not.to.have.property('soft_logout')
      saying({ body: {} })
      expect((await ask(user)).status, 'a moment later').to.equal(status)
      now += 31_000
      expect((await ask(user)).status, 'later').to.equal(200)
    })
  }

  it('is answered with 502 when their server is not there', async () => {
    expect((await ask('@bea:localhost:1')).status).to.equal(502)
  })
})
