import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { generateSigningKey, signJson } from '../../../server/core/signatures.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import type { Body, TestServer, TestUser } from '../../support/server.ts'

describe('invitations by third-party identifiers', () => {
  const key = generateSigningKey(randomBytes(32))
  const public_key = encodeBase64(key.publicKey)
  let identity: Server
  let key_validity_url: string
  let isGood: boolean
  let asked: string[]
  let neighbours: Neighbours
  let here: TestServer
  let there: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let people = 0
  before(async () => {
    identity = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ valid: isGood }))
    })
    await once(identity.listen(0, '127.0.0.1'), 'listening')
    key_validity_url = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/isvalid`
    neighbours = (await startNeighbours(2)) as Neighbours
    here = neighbours.servers[0] as TestServer
    there = neighbours.servers[1] as TestServer
  })
  after(async () => {
    await neighbours.close()
    identity.closeAllConnections()
    identity.close()
  })
  beforeEach(async () => {
    isGood = true
    asked = []
    alice = await here.register(`alice${people}`)
    bob = await there.register(`bob${people++}`)
    roomId = (await alice.post('/createRoom', { name: 'A room' })).body.room_id
    const other = { public_key: encodeBase64(generateSigningKey(randomBytes(32)).publicKey) }
    const content = { display_name: 'b...@example.org', ...other, public_keys: [other, { public_key, key_validity_url }] }
    await alice.put(`/rooms/${roomId}/state/m.room.third_party_invite/token`, content)
  })

  const signed = (mxid: string, by = key, token = 'token') => signJson({ mxid, token }, 'identity.test', by)
  const inviteOf = (mxid: string, more: object = {}) => ({
    medium: 'email',
    address: 'bob@example.org',
    mxid,
    room_id: roomId,
    sender: alice.userId,
    signed: signed(mxid),
    ...more,
  })
  const bind = (server: TestServer, mxid: string, ...invites: unknown[]) =>
    server.anonymous.put('/_matrix/federation/v1/3pid/onbind', { medium: 'email', address: 'bob@example.org', mxid, invites })
  const memberOf = async (mxid: string): Promise<Body> => (await alice.get(`/rooms/${roomId}/state/m.room.member/${mxid}`)).body

  it('reach who binds the identifier on another server, which has them exchanged', async () => {
    expect((await bind(there, bob.userId, inviteOf(bob.userId))).body).to.deep.equal({})
    await syncUntil(bob, ({ rooms }) => rooms?.invite?.[roomId])
    const member = await memberOf(bob.userId)
    expect(member).to.deep.include({ membership: 'invite' })
    expect(member.third_party_invite).to.deep.equal({ display_name: 'b...@example.org', signed: signed(bob.userId) })
    expect(asked).to.deep.equal([`/isvalid?public_key=${encodeURIComponent(public_key)}`])
    expect((await bob.post(`/join/${roomId}`)).status).to.equal(200)
  })

  it('reach who binds it on the same server, also told as identity servers do it', async () => {
    const carol = await here.register(`carol${people}`)
    const bound = { medium: 'email', address: 'bob@example.org', mxid: carol.userId, invites: [5, {}, inviteOf(carol.userId)] }
    expect((await here.anonymous.post('/_matrix/federation/v1/3pid/onbind', bound)).status).to.equal(200)
    expect(await memberOf(carol.userId)).to.include({ membership: 'invite' })
    expect((await carol.post(`/join/${roomId}`)).status).to.equal(200)
  })

  it('reach nobody when they were signed for somebody else, under another key, or one that is good no more', async () => {
    const other = generateSigningKey(randomBytes(32))
    const wrong = [
      inviteOf(bob.userId, { signed: signed(bob.userId, other) }),
      inviteOf(bob.userId, { signed: signed(alice.userId) }),
      inviteOf(bob.userId, { signed: signed(bob.userId, key, 'another token') }),
      inviteOf(bob.userId, { signed: { ...signed(bob.userId), signatures: {} } }),
      inviteOf(bob.userId, { sender: `@mallory:${here.server.home.serverName}` }),
      inviteOf(bob.userId, { room_id: '!another:hs.test' }),
      inviteOf(bob.userId, { sender: '@mallory:localhost:1' }),
    ]
    expect((await bind(there, bob.userId, ...wrong)).status).to.equal(200)
    isGood = false
    expect((await bind(there, bob.userId, inviteOf(bob.userId))).status).to.equal(200)
    expect((await memberOf(bob.userId)).membership).to.equal(undefined)
    expect((await bob.get('/sync')).body.rooms).to.equal(undefined)
  })

  it('are bound to users of this server alone', async () => {
    expect((await bind(here, bob.userId, inviteOf(bob.userId))).body.errcode).to.equal('M_FORBIDDEN')
    expect((await bind(there, `@nobody:${there.server.home.serverName}`)).body.errcode).to.equal('M_NOT_FOUND')
    expect((await bind(there, 'bob')).body.errcode).to.equal('M_INVALID_PARAM')
  })

  it('are exchanged for a server whose user it is, as what they are', async () => {
    const event = (more: JsonObject = {}): JsonObject => ({
      type: 'm.room.member',
      room_id: roomId,
      sender: alice.userId,
      state_key: bob.userId,
      content: { membership: 'invite', third_party_invite: { display_name: 'b', signed: signed(bob.userId) } },
      ...more,
    })
    const exchange = async (content: JsonObject, room = roomId) => {
      const uri = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(room)}`
      const answer = await there.server.home.peers.fetchJson({ destination: here.server.home.serverName, method: 'PUT', uri, content })
      return answer.ok ? answer.status : answer.words
    }
    const signedFor = (mxid: string) => ({ membership: 'invite', third_party_invite: { display_name: 'b', signed: signed(mxid) } })
    expect(await exchange(event({ type: 'm.room.topic' }))).to.equal(400)
    expect(await exchange(event({ content: { membership: 'join' } }))).to.equal(400)
    expect(await exchange(event({ content: { membership: 'invite' } }))).to.equal(400)
    expect(await exchange(event({ room_id: '!another:hs.test' }))).to.equal(400)
    expect(await exchange(event({ state_key: '@carol:elsewhere.test', content: signedFor('@carol:elsewhere.test') }))).to.equal(403)
    expect(await exchange(event({ content: signedFor('@carol:elsewhere.test') }))).to.equal(403)
    expect(await exchange(event({ sender: bob.userId }))).to.equal(403)
    expect(await exchange(event(), '!another:hs.test')).to.equal(404)
    expect((await memberOf(bob.userId)).membership).to.equal(undefined)
    expect(await exchange(event())).to.equal(200)
    expect(await memberOf(bob.userId)).to.include({ membership: 'invite' })
  })
})
