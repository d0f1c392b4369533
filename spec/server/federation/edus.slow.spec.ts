import { expect } from 'chai'
import type { Edu } from '../../../server/core/edu.ts'
import type { RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { createEduDispatch } from '../../../server/federation/edu-dispatch.ts'
import { selectEdus } from '../../../server/federation/queue.store.ts'
import type { EduReceiver } from '../../../server/slice.ts'
import { type AmongPeers, type Asked, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const sendPath = '/_matrix/federation/v1/send/{txnId}'
const edusOf = (asked: Asked): Edu[] => (asked.path.includes('/v1/send/') ? asked.content.edus : [])

describe('EDUs of other servers', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => server.close())

  const edus = (...values: readonly [type: string, value: number][]) =>
    values.map(([edu_type, value]) => ({ edu_type, content: { value } }))

  it('are handed over in the order in which each server sent them, whoever takes long or throws', async () => {
    const taken: string[] = []
    const slow: EduReceiver = {
      type: 'slow',
      receive: async ({ value }, origin) => {
        for (let turns = 0; turns < 20; turns++) await Promise.resolve()
        taken.push(`${origin} slow ${value}`)
      },
    }
    const wrong: EduReceiver = { type: 'wrong', receive: () => Promise.reject(new Error('a receiver that fails')) }
    const quick: EduReceiver = { type: 'quick', receive: async ({ value }, origin) => void taken.push(`${origin} quick ${value}`) }
    const dispatch = createEduDispatch(server.server, () => [slow, wrong, quick])
    await Promise.all([
      dispatch('a.example', [...edus(['slow', 1], ['wrong', 2], ['quick', 3]), null, 7, { edu_type: 'quick' }, ...edus(['unknown', 4])]),
      dispatch('a.example', edus(['quick', 5])),
      dispatch('b.example', edus(['quick', 6])),
    ])
    expect(taken.filter((one) => one.startsWith('a'))).to.deep.equal(['a.example slow 1', 'a.example quick 3', 'a.example quick 5'])
    expect(taken[0]).to.equal('b.example quick 6')
    expect(server.log()).to.include('could not be taken in')
  })

  it('that speak of rooms are left out where a room denies their server, or is not here', async () => {
    const alice = await server.register('alice')
    const rooms: RoomId[] = []
    for (const deny of ['evil.example', 'other.example']) {
      const initial_state = [{ type: 'm.room.server_acl', state_key: '', content: { allow: ['*'], deny: [deny] } }]
      const { body } = await alice.post('/createRoom', { initial_state })
      rooms.push(body.room_id)
    }
    const [denying, letting] = rooms as [RoomId, RoomId]
    const taken: JsonObject[] = []
    const take = (type: string): EduReceiver => ({ type, receive: async (content) => void taken.push(content) })
    const dispatch = createEduDispatch(server.server, () => [take('m.typing'), take('m.receipt')])
    const typing = [denying, letting, '!nowhere:hs.test', 7].map((room_id) => ({ edu_type: 'm.typing', content: { room_id } }))
    const receipts = { [denying]: { 'm.read': {} }, [letting]: { 'm.read': {} }, '!nowhere:hs.test': {} }
    await dispatch('evil.example:8448', [...typing, { edu_type: 'm.receipt', content: receipts }, { edu_type: 'm.receipt', content: {} }])
    expect(taken).to.deep.equal([{ room_id: letting }, { [letting]: { 'm.read': {} } }])
  })
})

for (const engine of engines) {
  describe(`EDUs to other servers on ${engine}`, () => {
    let among: AmongPeers
    let alice: TestUser
    let peer: Peer
    let roomId: RoomId

    before(async function () {
      const started = await startServerWithPeers(1, { engine })
      if (started === undefined) return this.skip()
      among = started
      peer = among.peers[0] as Peer
      peer.on('PUT', sendPath, () => ({ body: { pdus: {} } }))
      alice = await among.server.register('alice')
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      roomId = body.room_id
      await joinAsPeer(peer, among.server, roomId)
    })
    after(() => among?.close())

    const toDevice = (body: string) =>
      alice.put(`/sendToDevice/m.test/${body}`, { messages: { [`@remote:${peer.serverName}`]: { DEVICE: { body } } } })
    const type = (typing: boolean) => alice.put(`/rooms/${roomId}/typing/${alice.userId}`, { typing, timeout: 30_000 })

    it('wait for one that cannot be reached: messages to devices in full and in order, of what is said again only the last', async () => {
      let isThere = false
      await toDevice('here')
      await peer.until(({ text }) => text.includes('"body":"here"'))
      peer.on('PUT', sendPath, () => (isThere ? { body: { pdus: {} } } : { status: 503, body: {} }))
      await toDevice('first')
      await peer.until((asked) => edusOf(asked).some(({ edu_type }) => edu_type === 'm.direct_to_device'))
      const events: string[] = []
      for (const number of Array(6).keys()) {
        const { body } = await alice.put(`/rooms/${roomId}/send/m.room.message/${number}`, { msgtype: 'm.text', body: 'x' })
        events.push(body.event_id)
        await alice.post(`/rooms/${roomId}/receipt/m.read/${body.event_id}`, {})
        await type(number % 2 === 0)
        await toDevice(`${number}`)
      }
      const waiting = async () =>
        (await among.server.server.home.database.select(selectEdus, peer.serverName, 100)).map(({ body }) => `${body}`)
      while (!(await waiting()).some((text) => text.includes('"body":"5"'))) await new Promise((resolve) => setTimeout(resolve, 5))
      isThere = true
      await among.restart()
      await peer.ask(among.server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`)
      await peer.until((asked) => asked.text.includes('"body":"5"'))
      const taken = peer.asked.filter(({ text }) => text.includes('"body":"first"')).at(-1)
      const edus = peer.asked.slice(peer.asked.indexOf(taken as Asked)).flatMap(edusOf)
      const contents = (wanted: string) => edus.filter(({ edu_type }) => edu_type === wanted).map(({ content }) => JSON.stringify(content))
      const bodies = contents('m.direct_to_device').map((text) => /"body":"(\w+)"/.exec(text)?.[1])
      expect(bodies).to.deep.equal(['first', '0', '1', '2', '3', '4', '5'])
      const receipts = contents('m.receipt')
      expect(receipts.length).to.equal(1)
      expect(receipts[0]).to.include(events[5])
      expect(contents('m.typing').length).to.be.below(2)
    })
  })
}
