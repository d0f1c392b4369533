import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { insertReceived } from '../../../server/federation/incoming.store.ts'
import type { Part } from '../../../server/storage/database.ts'
import { insertMessage } from '../../../server/to-device/to-device.store.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import { engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`what another server sends while the disk fails on ${engine}`, () => {
    let among: AmongPeers
    let peer: Peer
    let alice: TestUser
    let member: PeerMember
    let roomId: RoomId
    let count = 0
    let heal = () => {}

    before(async function () {
      const started = await startServerWithPeers(1, { engine })
      if (started === undefined) return this.skip()
      among = started
      peer = among.peers[0] as Peer
      alice = await among.server.register('alice')
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      member = await joinAsPeer(peer, among.server, roomId)
    })
    afterEach(() => heal())
    after(() => among?.close())

    /** From now on what a spec picks of what is written fails, until `heal`. */
    function fail(isStruck: (part: Part) => boolean): void {
      const database = among.server.server.home.database as { commit: (part: Part) => Promise<unknown> }
      const { commit } = database
      database.commit = (part) => (isStruck(part) ? Promise.reject(new Error('the disk is full')) : commit(part))
      heal = () => {
        database.commit = commit
      }
    }
    const writes = (part: Part, id: number) => part.writes.some(({ statement }) => statement.id === id)
    const put = (content: JsonObject, id: string) =>
      peer.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${id}`, {
        origin: peer.serverName,
        origin_server_ts: 1,
        pdus: [],
        ...content,
      })
    const bodies = async () => {
      const { body } = await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'f', limit: '100' } })
      return body.chunk.filter(({ type }: Pdu) => type === 'm.room.message').map(({ content }: Pdu) => content['body'])
    }
    const toDevice = async () => {
      const { device_id, user_id } = (await alice.get('/account/whoami')).body
      const content = {
        sender: member.userId,
        type: 'm.test',
        message_id: `m${++count}`,
        messages: { [user_id]: { [device_id]: { count } } },
      }
      return { edu_type: 'm.direct_to_device', content }
    }
    const inbox = async () => {
      const { body } = await alice.get('/sync', { query: { filter: '{"room":{"rooms":[]}}' } })
      return (body.to_device?.events ?? []).map(({ content }: { content: { count: number } }) => content.count)
    }

    it('is not said to be taken in when nothing can be written, and comes in when it is sent again', async () => {
      const { pdu, eventId } = await member.message('sent again')
      fail(() => true)
      expect((await put({ pdus: [pdu as unknown as JsonObject] }, 'full')).status).to.equal(500)
      heal()
      expect((await put({ pdus: [pdu as unknown as JsonObject] }, 'full')).body).to.deep.equal({ pdus: { [eventId]: {} } })
      expect(await bodies()).to.include('sent again')
    })

    it('is taken in when only a few writes failed', async () => {
      const { pdu, eventId } = await member.message('at the third try')
      let left = 3
      fail((part) => part.room !== undefined && left-- > 0)
      expect((await put({ pdus: [pdu as unknown as JsonObject] }, 'once')).body).to.deep.equal({ pdus: { [eventId]: {} } })
      expect(await bodies()).to.include('at the third try')
    })

    it('loses no send-to-device message: it comes in when it is sent again, once', async () => {
      const edus = [await toDevice()] as unknown as JsonObject[]
      const sent = count
      fail((part) => !writes(part, insertReceived.id))
      expect((await put({ edus }, 'keys')).status).to.equal(500)
      heal()
      expect((await put({ edus }, 'keys')).status).to.equal(200)
      expect((await inbox()).filter((one: number) => one === sent)).to.deep.equal([sent])
    })

    it('loses no send-to-device message where only one write failed', async () => {
      const edus = [await toDevice()] as unknown as JsonObject[]
      let left = 1
      fail((part) => writes(part, insertMessage.id) && left-- > 0)
      expect((await put({ edus }, 'key')).status).to.equal(200)
      expect(await inbox()).to.include(count)
    })
  })
}
