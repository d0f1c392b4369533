import { expect } from 'chai'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import type { Body, TestUser } from '../../support/server.ts'

describe('leaves and knocks that other servers hand over', () => {
  const rules = roomRules('12') as RoomRules
  let among: AmongPeers
  let peer: Peer
  let other: Peer
  let alice: TestUser
  let roomId: string
  let remote: UserId
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(2)) as AmongPeers
    peer = among.peers[0] as Peer
    other = among.peers[1] as Peer
    alice = await among.server.register('alice')
  })
  after(() => among.close())
  beforeEach(async () => {
    remote = `@remote${people++}:${peer.serverName}`
    const initial_state = [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }]
    roomId = (await alice.post('/createRoom', { name: 'A room', initial_state })).body.room_id
  })

  const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]
  const make = (what: string, { as = peer, userId = remote, room = roomId, query = '' } = {}) =>
    as.ask(among.server, 'GET', `/_matrix/federation/v1/make_${what}/${encodeURIComponent(room)}/${encodeURIComponent(userId)}${query}`)
  const send = (what: string, event: JsonObject, { as = peer, id = eventIdOf(event as never, rules) as string } = {}) => {
    const version = what === 'leave' ? 'v2' : 'v1'
    return as.ask(
      among.server,
      'PUT',
      `/_matrix/federation/${version}/send_${what}/${encodeURIComponent(roomId)}/${encodeURIComponent(id)}`,
      event,
    )
  }
  const signed = (event: Body, as = peer) => as.sign(event as UnsignedPdu, rules).pdu as unknown as JsonObject
  const knock = async (more: object = {}) => signed({ ...(await make('knock', { query: '?ver=11&ver=12' })).body.event, ...more })
  const membership = async (userId = remote) => (await alice.get(`/rooms/${roomId}/state/m.room.member/${userId}`)).body.membership

  it('take their place in the room, and a knock is answered with what room it is, in whole events', async () => {
    const { body } = await send('knock', await knock())
    expect(body.knock_room_state.map(({ type }: Body) => type)).to.deep.equal(['m.room.create', 'm.room.name', 'm.room.join_rules'])
    for (const pdu of body.knock_room_state) expect(pdu).to.include.all.keys('hashes', 'signatures')
    expect(await membership()).to.equal('knock')
    const made = await make('leave')
    expect(made.body.room_version).to.equal('12')
    const leave = signed(made.body.event)
    expect((await send('leave', leave)).body).to.deep.equal({})
    expect((await send('leave', leave)).body).to.deep.equal({})
    expect(await membership()).to.equal('leave')
    const uri = `/_matrix/federation/v1/send_leave/${encodeURIComponent(roomId)}/${encodeURIComponent(eventIdOf(leave as never, rules))}`
    expect((await peer.ask(among.server, 'PUT', uri, leave)).body).to.deep.equal([200, {}])
  })

  it('are proposed to nobody who may not: other users, other versions, other rooms, those banned or not in', async () => {
    const stranger: UserId = `@someone:${other.serverName}`
    expect(code(await make('knock', { userId: stranger, query: '?ver=12' }))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await make('leave', { userId: alice.userId }))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await make('leave'))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await make('knock', { query: '?ver=7&ver=11' }))).to.deep.equal([400, 'M_INCOMPATIBLE_ROOM_VERSION'])
    expect(code(await make('knock'))).to.deep.equal([400, 'M_INCOMPATIBLE_ROOM_VERSION'])
    expect(code(await make('knock', { room: '!nothing:hs.test', query: '?ver=12' }))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await make('leave', { room: '!nothing:hs.test' }))).to.deep.equal([404, 'M_NOT_FOUND'])
    await alice.post(`/rooms/${roomId}/ban`, { user_id: remote })
    expect(code(await make('knock', { query: '?ver=12' }))).to.deep.equal([403, 'M_FORBIDDEN'])
  })

  it('are refused when they are something else, of somebody else, or signed by somebody else', async () => {
    const proposed = (await make('knock', { query: '?ver=12' })).body.event
    const stranger: UserId = `@someone:${other.serverName}`
    const wrong: Record<string, JsonObject> = {
      'another membership': signed({ ...proposed, content: { membership: 'join' } }),
      'another type': signed({ ...proposed, type: 'm.room.topic' }),
      'another room': signed({ ...proposed, room_id: '!another:hs.test' }),
      'another sender': signed({ ...proposed, sender: stranger, state_key: stranger }),
      'one of ours': signed({ ...proposed, sender: alice.userId, state_key: alice.userId }),
      'somebody else in the state key': signed({ ...proposed, state_key: stranger }),
      'the key of another server': signed(proposed, other),
      'no signature': { ...signed(proposed), signatures: {} },
      'no event': { nothing: true },
    }
    for (const [what, event] of Object.entries(wrong)) {
      for (const kind of ['knock', 'leave'])
        expect((await send(kind, event, { id: '$x' })).status, `${kind}: ${what}`).to.be.within(400, 403)
      const id = what === 'no event' ? '$x' : eventIdOf(event as never, rules)
      expect((await send('knock', event, { id })).status, what).to.be.within(400, 403)
    }
    const good = await knock()
    expect((await send('knock', good, { as: other })).status).to.equal(403)
    expect(code(await send('knock', good, { id: '$another' }))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(await membership()).to.equal(undefined)
  })

  it('say no more than what was hashed', async () => {
    const good = await knock()
    expect((await send('knock', { ...good, content: { membership: 'knock', reason: 'something else' } })).status).to.equal(200)
    expect((await alice.get(`/rooms/${roomId}/state/m.room.member/${remote}`)).body).to.deep.equal({ membership: 'knock' })
  })

  it('are refused to servers that the room does not let in', async () => {
    const good = await knock()
    await alice.put(`/rooms/${roomId}/state/m.room.server_acl`, { allow: ['*'], deny: ['localhost'] })
    expect(code(await send('knock', good))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await make('knock', { query: '?ver=12' }))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await make('leave'))).to.deep.equal([403, 'M_FORBIDDEN'])
  })
})
