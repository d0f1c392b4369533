import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import { engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`a transaction of another server on ${engine}`, () => {
    let among: AmongPeers
    let [peer, other]: Peer[] = []
    let alice: TestUser
    let member: PeerMember
    let roomId: RoomId
    let count = 0

    before(async function () {
      const started = await startServerWithPeers(2, { engine })
      if (started === undefined) return this.skip()
      among = started
      ;[peer, other] = among.peers
      alice = await among.server.register('alice')
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      roomId = body.room_id
      member = await joinAsPeer(peer!, among.server, roomId)
    })
    after(() => among?.close())

    const put = (content: object, id = `t${++count}`, by = peer!) =>
      by.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${id}`, {
        origin: by.serverName,
        origin_server_ts: 1,
        ...content,
      } as JsonObject)
    const bodies = async () => {
      const { body } = await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'f', limit: '100' } })
      return body.chunk.filter(({ type }: Pdu) => type === 'm.room.message').map(({ content }: Pdu) => content['body'])
    }

    it('brings events into their rooms, in their order, and says so of each', async () => {
      const one = await member.message('one')
      const two = await member.message('two', [one.eventId])
      const answer = await put({ pdus: [one.pdu, two.pdu] })
      expect(answer.status, answer.text).to.equal(200)
      expect(answer.body).to.deep.equal({ pdus: { [one.eventId]: {}, [two.eventId]: {} } })
      expect(await bodies()).to.deep.equal(['one', 'two'])
    })

    it('is answered, and nothing of what is wrong in it stops the rest', async () => {
      const before = await bodies()
      const good = await member.message('good')
      const forged = await member.event({ type: 'm.room.power_levels', state_key: '', content: { users: { [member.userId]: 100 } } })
      const last = await member.message('last', [good.eventId])
      const elsewhere = { ...good.pdu, room_id: '!nowhere:hs.test' }
      const poison = [
        null,
        7,
        [],
        {},
        { room_id: roomId },
        { room_id: 7 },
        { ...good.pdu, content: 7 },
        elsewhere,
        { ...good.pdu, depth: 1.5 },
      ]
      const answer = await put({ pdus: [...poison, good.pdu, forged.pdu, ...poison, last.pdu] })
      expect(answer.status, answer.text).to.equal(200)
      const { [good.eventId]: first, [forged.eventId]: refused, [last.eventId]: second } = answer.body.pdus
      expect([first, second]).to.deep.equal([{}, {}])
      expect(refused.error).to.be.a('string')
      expect(await bodies()).to.deep.equal([...before, 'good', 'last'])
    })

    it('has one effect and one answer, however often it comes, also after a restart', async () => {
      const { pdu } = await member.message('once')
      const id = `again${++count}`
      const [first, second] = await Promise.all([put({ pdus: [pdu] }, id), put({ pdus: [pdu] }, id)])
      expect(second.body).to.deep.equal(first.body)
      const changed = await member.message('altered')
      expect((await put({ pdus: [changed.pdu] }, id)).body).to.deep.equal(first.body)
      await among.restart()
      alice = await relogin()
      expect((await put({ pdus: [changed.pdu] }, id)).body).to.deep.equal(first.body)
      expect(await bodies())
        .to.include('once')
        .and.not.include('altered')
      expect(among.server.log()).to.include('something else under the id')
    })
    const relogin = async (): Promise<TestUser> => ({ ...alice, ...among.server.as(alice.token) })

    it('of the same name by another server is another one', async () => {
      const { pdu, eventId } = await member.message('by the name of another')
      await put({ pdus: [] }, 'shared', other)
      expect((await put({ pdus: [pdu] }, 'shared')).body).to.deep.equal({ pdus: { [eventId]: {} } })
    })

    it('may have an id as long as a request line holds, of any characters', async () => {
      const { pdu, eventId } = await member.message('under a long id')
      for (const id of [`${'x'.repeat(6000)}`, encodeURIComponent('"/% 🦊')]) {
        for (const _ of [1, 2]) expect((await put({ pdus: [pdu] }, id)).body).to.deep.equal({ pdus: { [eventId]: {} } })
      }
    })

    it('is refused when it holds more than it may, or something else', async () => {
      const { pdu } = await member.message('too many')
      for (const content of [
        { pdus: Array(51).fill(pdu) },
        { pdus: [], edus: Array(101).fill({ edu_type: 'm.none', content: {} }) },
        { pdus: {} },
        { pdus: [], edus: 'x' },
      ]) {
        expect((await put(content)).status).to.equal(400)
      }
      expect((await put({ pdus: Array(50).fill(pdu), edus: Array(100).fill({ edu_type: 'm.none', content: {} }) })).status).to.equal(200)
      expect((await put({})).body).to.deep.equal({ pdus: {} })
    })

    it('brings nothing into a room that denies its server', async () => {
      await alice.put(`/rooms/${roomId}/state/m.room.server_acl/`, { allow: ['*'], deny: ['localhost'] })
      const { pdu, eventId } = await member.message('denied')
      const { body } = await put({ pdus: [pdu] })
      expect(body.pdus[eventId].error).to.be.a('string')
      expect(await bodies()).to.not.include('denied')
      await alice.put(`/rooms/${roomId}/state/m.room.server_acl/`, { allow: ['*'] })
      expect((await put({ pdus: [pdu] })).body).to.deep.equal({ pdus: { [eventId]: {} } })
    })
  })
}
