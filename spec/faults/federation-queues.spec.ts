import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Pdu } from '../../server/core/pdu.ts'
import { type AmongProcesses, startProcessesWithPeers } from '../support/apart/processes-with-peers.ts'
import type { Peer } from '../support/peer.ts'
import { joinAsPeer } from '../support/peers/peer-room.ts'
import { engines } from '../support/server.ts'

const sendPath = '/_matrix/federation/v1/send/{txnId}'
const isFull = process.env['TOMBOLO_QUEUES'] === 'full'
const [events, messages] = [80, 20]

/** What a peer has taken, in the order in which it came. */
type Told = { readonly events: string[]; readonly messages: string[] }

for (const engine of engines) {
  const servers = isFull || engine === 'sqlite' ? 100 : 10
  describe(`F-08: a server that is killed with ${servers * (events + messages)} items on their way to ${servers} servers, on ${engine}`, () => {
    let among: AmongProcesses
    before(async function () {
      const started = await startProcessesWithPeers(servers, { engine })
      if (started === undefined) return this.skip()
      among = started
    })
    after(() => among?.close())

    it('drops none of them, keeps their order and says none twice', async () => {
      const alice = await among.cluster.register('alice')
      const { body } = await alice.ask(0, 'POST', '/createRoom', { preset: 'public_chat' })
      let isThere = false
      const told = new Map<Peer, Told>()
      for (const peer of among.peers) {
        const its: Told = { events: [], messages: [] }
        told.set(peer, its)
        const taken = new Set<string | undefined>()
        peer.on('PUT', sendPath, ({ content, params }) => {
          if (!isThere) return { status: 503, body: {} }
          // What was on its way in the moment of the end may come again, as the same transaction.
          if (taken.has(params['txnId'])) return { body: { pdus: {} } }
          taken.add(params['txnId'])
          for (const pdu of content.pdus as Pdu[]) if (typeof pdu.content['body'] === 'string') its.events.push(pdu.content['body'])
          for (const { content: edu } of content.edus) if (edu.type?.startsWith('test.')) its.messages.push(edu.type)
          return { body: { pdus: {} } }
        })
        await joinAsPeer(peer, among.asServer(), body.room_id)
      }
      for (let number = 0; number < events; number++) {
        await alice.ask(0, 'PUT', `/rooms/${body.room_id}/send/m.room.message/${number}`, { msgtype: 'm.text', body: `${number}` })
        if (number % (events / messages) !== 0) continue
        const everybody = Object.fromEntries(among.peers.map(({ serverName }) => [`@remote:${serverName}`, { DEVICE: {} }]))
        await alice.ask(0, 'PUT', `/sendToDevice/test.${number}/${number}`, { messages: everybody })
      }
      await among.cluster.members[0]?.kill()
      await among.cluster.members[0]?.start()
      isThere = true
      const isMissing = (peer: Peer) =>
        told.get(peer)?.events.at(-1) !== `${events - 1}` || (told.get(peer)?.messages.length ?? 0) < messages
      for (let left = among.peers; left.length > 0; left = left.filter(isMissing)) {
        await Promise.all(left.map((peer) => peer.ask(among.asServer(), 'PUT', '/_matrix/federation/v1/send/here', { pdus: [] })))
        await sleep(100)
      }
      const all = Array.from({ length: events }, (_, number) => `${number}`)
      const sent = Array.from({ length: messages }, (_, number) => `test.${(number * events) / messages}`)
      for (const peer of among.peers) expect(told.get(peer)).to.deep.equal({ events: all, messages: sent })
    })
  })
}
