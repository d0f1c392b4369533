import { expect } from 'chai'
import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { createHomeserver, type Homeserver } from '../../../../server/homeserver.ts'
import { createLog } from '../../../../server/http/log.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../../support/peer.ts'
import { hostRoom } from '../../../support/peers/hosted-room.ts'
import { joinAsPeer, type PeerMember } from '../../../support/peers/peer-room.ts'
import type { TestUser } from '../../../support/server.ts'

describe('what two processes of a server receive', () => {
  let among: AmongPeers
  let second: Homeserver
  let peer: Peer
  let alice: TestUser
  let roomId: RoomId
  let member: PeerMember
  before(async function () {
    const started = await startServerWithPeers(1, { engine: 'postgres' })
    if (!started) return this.skip()
    among = started
    peer = among.peers[0] as Peer
    second = await createHomeserver(among.server.config, { log: createLog({ level: 'error', format: 'text', write: () => undefined }) })
    alice = await among.server.register('alice')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    member = await joinAsPeer(peer, among.server, roomId)
  })
  after(async () => {
    await second?.close()
    await among?.close()
  })

  const graphs = () => [among.server.server.graph, second.graph]
  const level = async () => {
    const position = Math.max(among.server.server.home.notifier.position(), second.home.notifier.position())
    for (const { home } of [among.server.server, second]) await home.notifier.reached(position, 10_000)
  }

  for (const where of ['on top of the room', 'beside what it stands on']) {
    it(`at the same time has its place once, ${where}`, async () => {
      const since = (await alice.get('/sync')).body.next_batch
      const said: EventId[] = []
      for (let round = 0; round < 10; round++) {
        const before = where === 'on top of the room' ? undefined : [member.joinId]
        const { pdu, eventId } = await member.message(`${where} ${round}`, before)
        said.push(eventId)
        await Promise.all(graphs().map((graph) => graph.receive(peer.serverName, roomId, [pdu as unknown as JsonObject])))
        await level()
        for (const graph of graphs()) {
          const { extremities } = (await graph.room(roomId))!
          expect(extremities.filter((one) => one === eventId)).to.deep.equal([eventId])
        }
        await alice.put(`/rooms/${roomId}/send/m.room.message/${where}${round}`, { msgtype: 'm.text', body: 'joins what had forked' })
        await level()
      }
      const filter = '{"room":{"timeline":{"limit":100}}}'
      const { timeline } = (await alice.get('/sync', { query: { since, filter } })).body.rooms.join[roomId]
      const told: { event_id: EventId; sender: string }[] = timeline.events
      expect(told.filter(({ sender }) => sender === member.userId).map(({ event_id }) => event_id)).to.deep.equal(said)
    })
  }

  it('of a room that one of them is just entering waits for that', async () => {
    const hosted = hostRoom(peer)
    const [welcome, told] = [Promise.withResolvers<void>(), Promise.withResolvers<Pdu>()]
    peer.on('PUT', '/_matrix/federation/v2/send_join/{roomId}/{eventId}', async ({ content }) => {
      const { eventId } = hosted.take(content as Pdu)
      const entry = hosted.entry(content as Pdu)
      expect(eventId).to.be.a('string')
      told.resolve(hosted.message('welcome').pdu)
      await welcome.promise
      return { body: entry }
    })
    const joining = alice.post(`/join/${hosted.roomId}?via=${peer.serverName}`, {})
    const pdu = await told.promise
    await level()
    const received = second.graph.receive(peer.serverName, hosted.roomId, [pdu as unknown as JsonObject])
    const early = await Promise.race([received, new Promise((resolve) => setTimeout(() => resolve('it waits'), 200))])
    welcome.resolve()
    expect((await joining).status).to.equal(200)
    expect([...(await received).values()]).to.deep.equal(['accepted'])
    expect(early).to.equal('it waits')
  })
})
