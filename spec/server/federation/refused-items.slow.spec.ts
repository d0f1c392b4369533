import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { selectPdus } from '../../../server/federation/queue.store.ts'
import type { Graph } from '../../../server/graph/graph.ts'
import { type AmongPeers, type Asked, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import { engines, type TestUser } from '../../support/server.ts'
import { steeredClock } from '../media/steered-clock.ts'

const bodiesOf = ({ content }: Asked): string[] => content.pdus.map((pdu: Pdu) => pdu.content['body'])

for (const engine of engines) {
  describe(`what another server refuses to take on ${engine}`, () => {
    let among: AmongPeers
    let alice: TestUser
    let peer: Peer
    let roomId: RoomId
    let count = 0
    /** What it took, in order, whatever came again under an earlier name left out. */
    let taken: string[]
    let names: Set<string>
    const clock = steeredClock()

    before(async function () {
      const started = await startServerWithPeers(0, { engine, overrides: { clock } })
      if (started === undefined) return this.skip()
      among = started
      alice = await among.server.register('alice')
    })
    beforeEach(async () => {
      peer = await among.addPeer()
      ;[taken, names] = [[], new Set()]
      answers(() => undefined)
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await joinAsPeer(peer, among.server, roomId)
    })
    after(() => among?.close())

    const say = (body: string) => alice.put(`/rooms/${roomId}/send/m.room.message/${++count}`, { msgtype: 'm.text', body })
    const answers = (refusal: (asked: Asked) => PeerReply | undefined, first = Promise.resolve()) =>
      peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', async (asked) => {
        if (bodiesOf(asked).includes('first')) await first
        const refused = refusal(asked)
        if (refused !== undefined) return refused
        if (!names.has(asked.path)) taken.push(...bodiesOf(asked))
        names.add(asked.path)
        return { body: { pdus: {} } }
      })
    /** Says all that is to go in one transaction, while another one is on its way. */
    async function sayTogether(...bodies: string[]): Promise<() => void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      answers(() => undefined, promise)
      await say('first')
      await peer.until((asked) => asked.path.includes('/v1/send/') && bodiesOf(asked).includes('first'))
      for (const body of bodies) await say(body)
      const waiting = async () => (await among.server.server.home.database.select(selectPdus, peer.serverName, 100)).length
      while ((await waiting()) < bodies.length) await new Promise((resolve) => setTimeout(resolve, 5))
      return resolve
    }

    for (const status of [400, 401, 403, 413]) {
      it(`holds up nothing else, where a ${status} is for what is sent`, async () => {
        const go = await sayTogether('one', 'poison', 'two', 'three', 'poison', 'four')
        answers((asked) => (bodiesOf(asked).includes('poison') ? { status, body: { errcode: 'M_BAD_JSON', error: 'no' } } : undefined))
        go()
        await peer.until(
          (asked) => asked.path.includes('/v1/send/') && bodiesOf(asked).includes('four') && !bodiesOf(asked).includes('poison'),
        )
        await say('after')
        await peer.until((asked) => asked.path.includes('/v1/send/') && bodiesOf(asked).includes('after'))
        expect(taken).to.deep.equal(['first', 'one', 'two', 'three', 'four', 'after'])
        expect(among.server.log()).to.include('will not take this')
      })
    }

    it('is not left out where the refusal was of the moment', async () => {
      const go = await sayTogether('one')
      let refusals = 0
      answers((asked) =>
        bodiesOf(asked).includes('one') && refusals++ === 0 ? { status: 403, body: { errcode: 'M_FORBIDDEN' } } : undefined,
      )
      go()
      await say('after')
      while (!taken.includes('after')) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(taken).to.deep.equal(['first', 'one', 'after'])
    })

    it('is sent again when it refuses everything', async () => {
      const go = await sayTogether('one', 'two')
      let refusals = 0
      answers(() => {
        refusals++
        return { status: 403, body: { errcode: 'M_FORBIDDEN', error: 'I know you not' } }
      })
      go()
      while (refusals < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      answers(() => undefined)
      while (!taken.includes('two')) {
        clock.advance(3000)
        await peer.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
      }
      expect(taken).to.deep.equal(['first', 'one', 'two'])
    })

    it('and what cannot be read for one server stops no other', async () => {
      const other = await among.addPeer()
      other.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
      const elsewhere = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await joinAsPeer(other, among.server, elsewhere)
      const graph = among.server.server.graph as { -readonly [K in keyof Graph]: Graph[K] }
      const { events } = graph
      let isStruck = true
      let strikes = 0
      graph.events = async (ids) => {
        const found = await events(ids)
        if (!isStruck || !found.some(({ pdu }) => pdu.content['body'] === 'unreadable')) return found
        strikes++
        throw new Error('the disk cannot read this')
      }
      const go = await sayTogether('unreadable')
      go()
      while (strikes === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await alice.put(`/rooms/${elsewhere}/send/m.room.message/${++count}`, { msgtype: 'm.text', body: 'elsewhere' })
      const told = await other.until((asked) => asked.path.includes('/v1/send/') && bodiesOf(asked).includes('elsewhere'))
      expect(told.content.origin).to.equal('hs.test')
      expect(among.server.log()).not.to.include('telling other servers failed')
      isStruck = false
      while (!taken.includes('unreadable')) await new Promise((resolve) => setTimeout(resolve, 5))
      graph.events = events
    })
  })
}
