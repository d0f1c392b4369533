import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { insertReceived, insertStaged } from '../../../server/federation/incoming.store.ts'
import { write } from '../../../server/storage/database.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import { engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`what a server ended with on ${engine}`, () => {
    let among: AmongPeers
    let alice: TestUser
    let peer: Peer
    let member: PeerMember
    let roomId: RoomId

    before(async function () {
      const started = await startServerWithPeers(1, { engine })
      if (started === undefined) return this.skip()
      among = started
      peer = among.peers[0] as Peer
      alice = await among.server.register('alice')
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      roomId = body.room_id
      member = await joinAsPeer(peer, among.server, roomId)
    })
    after(() => among?.close())

    it('is taken in at its next start, in order, and once: events and EDUs that were staged', async () => {
      const one = await member.message('one')
      const two = await member.message('two', [one.eventId])
      const { device_id, user_id } = (await alice.get('/account/whoami')).body
      const edu = {
        edu_type: 'm.direct_to_device',
        content: { sender: member.userId, type: 'm.test', message_id: 'm1', messages: { [user_id]: { [device_id]: { left: 'over' } } } },
      }
      const { database } = among.server.server.home
      const staged = [two, one].map(({ pdu }, at) =>
        write(insertStaged, peer.serverName, 'left', at, roomId, 2 - at, Buffer.from(JSON.stringify(pdu))),
      )
      const malformed = write(insertStaged, peer.serverName, 'left', 2, roomId, 0, Buffer.from('{"room_id":7}'))
      const edus = Buffer.from(JSON.stringify([edu]))
      await database.commit({ writes: [write(insertReceived, peer.serverName, 'left', 'digest', 1, edus, null), ...staged, malformed] })
      await among.restart()
      alice = { ...alice, ...among.server.as(alice.token) }
      let since = ''
      const seen: unknown[] = []
      while (seen.length < 3) {
        const { body } = await alice.get('/sync', { query: { timeout: '5000', ...(since === '' ? {} : { since }) } })
        since = body.next_batch
        for (const { content } of body.rooms?.join?.[roomId]?.timeline?.events ?? []) if (content.body) seen.push(content.body)
        for (const { content } of body.to_device?.events ?? []) seen.push(content.left)
      }
      expect(seen.filter((one) => one !== 'over')).to.deep.equal(['one', 'two'])
      expect(seen).to.include('over')
      const answer = await peer.ask(among.server, 'PUT', '/_matrix/federation/v1/send/left', { pdus: [] })
      expect(answer.body).to.deep.equal({ pdus: {} })
    })
  })
}
