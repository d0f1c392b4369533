import { expect } from 'chai'
import type { Edu } from '../../../server/core/edu.ts'
import type { RoomId } from '../../../server/core/ids.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { selectEdus, selectPdus } from '../../../server/federation/queue.store.ts'
import { type AmongPeers, type Asked, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import { engines, type TestUser } from '../../support/server.ts'
import { steeredClock } from '../media/steered-clock.ts'

const isTransaction = (asked: Asked) => asked.path.includes('/v1/send/')
const bodiesIn = ({ content }: Asked): unknown[] => content.pdus.map((pdu: Pdu) => pdu.content['body'])
const typesIn = ({ content }: Asked): string[] => content.edus.map(({ edu_type: type }: Edu) => type)
const toldTogether = ['m.typing', 'm.direct_to_device', 'm.receipt']

for (const engine of engines) {
  describe(`what a server did not take on ${engine}`, () => {
    let among: AmongPeers
    let alice: TestUser
    let peer: Peer
    let roomId: RoomId
    let count = 0
    const clock = steeredClock()

    before(async function () {
      const started = await startServerWithPeers(0, { engine, overrides: { clock } })
      if (started === undefined) return this.skip()
      among = started
      alice = await among.server.register('alice')
    })
    beforeEach(async () => {
      peer = await among.addPeer()
      answers(() => ({ body: { pdus: {} } }))
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await joinAsPeer(peer, among.server, roomId)
      await untilSent((asked) => typesIn(asked).includes('m.device_list_update'))
    })
    after(() => among?.close())

    const answers = (reply: (asked: Asked) => PeerReply | Promise<PeerReply>) =>
      peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', reply)
    const restart = async () => {
      await among.restart()
      alice = { ...alice, ...among.server.as(alice.token) }
    }
    const say = (body: string) => alice.put(`/rooms/${roomId}/send/m.room.message/${++count}`, { msgtype: 'm.text', body })
    const untilSent = (matches: (asked: Asked) => boolean) => peer.until((asked) => isTransaction(asked) && matches(asked))
    const askUs = () => peer.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)

    /** The peer is heard from again and again: as long as it is not known to fail, that ends no wait. */
    async function untilAsked(sent: Promise<Asked>): Promise<Asked> {
      let isSent = false
      void sent.finally(() => {
        isSent = true
      })
      while (!isSent) {
        clock.advance(3000)
        await askUs()
      }
      return sent
    }

    /** A transaction that holds an event, a message to a device, what was read and who types, and that the peer does not take. */
    async function notTaken(): Promise<Asked> {
      const { promise: held, resolve: go } = Promise.withResolvers<void>()
      answers((asked) => (bodiesIn(asked).includes('held') ? held.then(() => ({ body: { pdus: {} } })) : { status: 503, body: {} }))
      await say('held')
      await untilSent((asked) => bodiesIn(asked).includes('held'))
      await alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing: true, timeout: 30_000 })
      const messages = { [`@remote:${peer.serverName}`]: { DEVICE: { body: 'secret' } } }
      await alice.put(`/sendToDevice/m.test/${++count}`, { messages })
      const { body } = await say('said')
      await alice.post(`/rooms/${roomId}/receipt/m.read/${body.event_id}`, {})
      const isQueued = async () => {
        const { database } = among.server.server.home
        const edus = (await database.select(selectEdus, peer.serverName, 100)).map((row) => Buffer.from(row.body).toString())
        const pdus = await database.select(selectPdus, peer.serverName, 100)
        return pdus.length === 1 && toldTogether.every((type) => edus.some((text) => text.includes(type)))
      }
      while (!(await isQueued())) await new Promise((resolve) => setTimeout(resolve, 5))
      go()
      const first = await untilSent((asked) => bodiesIn(asked).includes('said'))
      expect(typesIn(first)).to.include.members(toldTogether)
      return first
    }

    /** The peer takes all from now on; what it was sent from then to an event with these words. */
    async function back(words: string): Promise<Asked[]> {
      const before = peer.asked.length
      answers(() => ({ body: { pdus: {} } }))
      await say(words)
      const sent = untilSent((asked) => bodiesIn(asked).includes(words))
      await untilAsked(sent)
      return peer.asked.slice(before).filter(isTransaction)
    }

    it('is sent again after half a minute without who typed then, under an id of its own, but with all else', async () => {
      const first = await notTaken()
      clock.advance(31_000)
      const [again] = await back('after')
      expect(again?.path).to.not.equal(first.path)
      expect(again?.content.pdus).to.deep.equal(first.content.pdus)
      expect(again?.content.edus).to.deep.equal(first.content.edus.filter(({ edu_type: type }: Edu) => type !== 'm.typing'))
      expect(again?.text).to.include('secret')
    })

    it('is so also after a restart, and stays the same from then on', async () => {
      const first = await notTaken()
      clock.advance(31_000)
      await restart()
      const second = await untilAsked(untilSent((asked) => bodiesIn(asked).includes('said') && asked.path !== first.path))
      await restart()
      const [again] = await back('after')
      expect(again?.path).to.equal(second.path)
      expect(again?.text).to.equal(second.text)
      expect(typesIn(second)).to.not.include('m.typing')
    })

    it('is looked for with an empty transaction where nothing of it is of use any more', async () => {
      answers(() => ({ status: 503, body: {} }))
      await alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing: true, timeout: 30_000 })
      const first = await untilSent((asked) => typesIn(asked).includes('m.typing'))
      clock.advance(31_000)
      const [again, next] = await back('after')
      expect(again?.path).to.not.equal(first.path)
      expect([again?.content.pdus, again && typesIn(again)]).to.deep.equal([[], []])
      expect(next && bodiesIn(next)).to.deep.equal(['after'])
    })
  })
}
