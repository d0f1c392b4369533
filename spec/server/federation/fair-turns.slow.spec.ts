import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import type { TestUser } from '../../support/server.ts'

describe('a server that sends much of a room, and does not say what lies between', () => {
  let among: AmongPeers
  let alice: TestUser
  let [slow, other]: Peer[] = []
  let roomId: RoomId
  const members: PeerMember[] = []
  before(async () => {
    among = (await startServerWithPeers(2)) as AmongPeers
    ;[slow, other] = among.peers
    alice = await among.server.register('alice')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    for (const peer of among.peers) members.push(await joinAsPeer(peer, among.server, roomId))
  })
  after(() => among?.close())

  const send = (peer: Peer, id: string, pdu: Pdu) =>
    peer.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${id}`, {
      origin: peer.serverName,
      origin_server_ts: 1,
      pdus: [pdu as unknown as JsonObject],
    })

  it('holds up the others for no longer than one of its transactions', async () => {
    const answers: (() => void)[] = []
    slow!.on('POST', '/_matrix/federation/v1/get_missing_events/{roomId}', async () => {
      await new Promise<void>((resolve) => answers.push(resolve))
      return { body: { events: [] } }
    })
    const gone: EventId[] = await Promise.all([0, 1, 2, 3].map(async (n) => (await members[0]!.message(`gone ${n}`)).eventId))
    const sent = []
    for (const eventId of gone) sent.push(send(slow!, eventId.slice(1, 9), (await members[0]!.message('after', [eventId])).pdu))
    await slow!.until(({ path }) => path.includes('get_missing_events'))
    const said = await members[1]!.message('of another server')
    const taken = send(other!, 'other', said.pdu)
    // It waits for its turn.
    await new Promise((resolve) => setTimeout(resolve, 100))
    answers.shift()!()
    expect((await taken).body).to.deep.equal({ pdus: { [said.eventId]: {} } })
    expect(slow!.asked.filter(({ path }) => path.includes('get_missing_events')).length).to.be.below(gone.length)
    slow!.on('POST', '/_matrix/federation/v1/get_missing_events/{roomId}', () => ({ body: { events: [] } }))
    for (const answer of answers) answer()
    await Promise.all(sent)
  })
})
