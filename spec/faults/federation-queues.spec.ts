import { expect } from 'chai'
import type { Pdu } from '../../server/core/pdu.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../support/peer.ts'
import { joinAsPeer } from '../support/peers/peer-room.ts'
import { engines } from '../support/server.ts'

const sendPath = '/_matrix/federation/v1/send/{txnId}'
const servers = 50
const events = 200

for (const engine of engines) {
  describe(`F-08: a server that ends with ${servers * events} events on their way to ${servers} servers, on ${engine}`, function () {
    this.timeout(120_000)
    let among: AmongPeers
    before(async function () {
      const started = await startServerWithPeers(servers, { engine })
      if (started === undefined) return this.skip()
      among = started
    })
    after(() => among?.close())

    it('drops none of them, and keeps their order', async () => {
      const alice = await among.server.register('alice')
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      const told = new Map<Peer, string[]>()
      let isThere = false
      for (const peer of among.peers) {
        told.set(peer, [])
        peer.on('PUT', sendPath, ({ content }) => {
          if (!isThere) return { status: 503, body: {} }
          for (const pdu of content.pdus as Pdu[])
            if (typeof pdu.content['number'] === 'number') told.get(peer)?.push(`${pdu.content['number']}`)
          return { body: { pdus: {} } }
        })
        await joinAsPeer(peer, among.server, body.room_id)
      }
      for (let number = 0; number < events; number += 10) {
        const templates = Array.from({ length: 10 }, (_, place) => ({
          type: 'm.room.message',
          sender: alice.userId,
          content: { number: number + place },
        }))
        await among.server.server.graph.append(body.room_id, templates)
      }
      await among.restart()
      isThere = true
      const uri = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`
      const isMissing = (peer: Peer) => told.get(peer)?.at(-1) !== `${events - 1}`
      for (let left = among.peers; left.length > 0; left = left.filter(isMissing)) {
        for (const peer of left) await peer.ask(among.server, 'GET', uri)
      }
      const all = Array.from({ length: events }, (_, number) => `${number}`)
      for (const peer of among.peers) expect(told.get(peer)).to.deep.equal(all)
    })
  })
}
