import { expect } from 'chai'
import type { RoomId, UserId } from '../../server/core/ids.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../support/peer.ts'
import { joinAsPeer } from '../support/peers/peer-room.ts'
import type { Body, TestUser } from '../support/server.ts'

describe('what people do in a room that two servers share', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let bob: UserId
  let roomId: RoomId
  let eventId: string
  before(async () => {
    among = (await startServerWithPeers(1, { config: { presence: { enabled: true } } }))!
    peer = among.peers[0]!
    peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    alice = await among.server.register('alice')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    bob = (await joinAsPeer(peer, among.server, roomId, 'bob')).userId
    eventId = (await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'hello' })).body.event_id
  })
  after(() => among.close())

  /** Waits for what the other server is told. */
  async function heard(type: string, isIt: (content: Body) => boolean): Promise<Body> {
    const find = ({ content }: { content: Body }) => content?.edus?.find((edu: Body) => edu.edu_type === type && isIt(edu.content))
    return find(await peer.until((asked) => find(asked) !== undefined)).content
  }

  it('is heard by the other server', async () => {
    await alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing: true })
    expect(await heard('m.typing', ({ typing }) => typing)).to.deep.equal({ room_id: roomId, user_id: alice.userId, typing: true })
    await alice.post(`/rooms/${roomId}/receipt/m.read/${eventId}`)
    const receipts = await heard('m.receipt', () => true)
    expect(receipts[roomId]['m.read'][alice.userId].event_ids).to.deep.equal([eventId])
    await alice.put(`/presence/${alice.userId}/status`, { presence: 'online', status_msg: 'here' })
    const { push } = await heard('m.presence', (content) => content.push[0].status_msg === 'here')
    expect(push[0]).to.include({ user_id: alice.userId, presence: 'online' })
  })

  it('is shown when the other server tells it', async () => {
    const { next_batch: since } = (await alice.get('/sync')).body
    const edus = [
      { edu_type: 'm.typing', content: { room_id: roomId, user_id: bob, typing: true } },
      { edu_type: 'm.receipt', content: { [roomId]: { 'm.read': { [bob]: { event_ids: [eventId], data: { ts: 1 } } } } } },
      { edu_type: 'm.presence', content: { push: [{ user_id: bob, presence: 'unavailable', last_active_ago: 5 }] } },
      { edu_type: 'm.typing', content: 7 },
    ]
    const content = { origin: peer.serverName, origin_server_ts: Date.now(), pdus: [], edus } as never
    expect((await peer.ask(among.server, 'PUT', '/_matrix/federation/v1/send/1', content)).status).to.equal(200)
    const seen = { typing: false, receipt: false, presence: false }
    for (let from = since; !(seen.typing && seen.receipt && seen.presence); ) {
      const { body } = await alice.get('/sync', { query: { since: from, timeout: '20000' } })
      for (const { type, content: said } of body.rooms?.join?.[roomId]?.ephemeral?.events ?? []) {
        if (type === 'm.typing') seen.typing ||= said.user_ids.includes(bob)
        if (type === 'm.receipt') seen.receipt ||= said[eventId]?.['m.read']?.[bob]?.ts === 1
      }
      for (const { sender, content: said } of body.presence?.events ?? [])
        seen.presence ||= sender === bob && said.presence === 'unavailable'
      from = body.next_batch
    }
  })
})
