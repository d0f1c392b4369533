import { expect } from 'chai'
import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { type Neighbours, startNeighbours } from '../../../support/federation.ts'
import { type Body, engines, type TestServer, type TestUser } from '../../../support/server.ts'
import { answers, pduOf, type Side } from './two-servers.ts'

for (const engine of engines) {
  describe(`history that was changed by who gives it, on ${engine}`, () => {
    let neighbours: Neighbours
    let alice: Side
    let carol: Side
    let bob: Side
    let room: RoomId
    let said: EventId
    let topic: EventId
    let asked: string[]
    const sideOf = (server: TestServer, user: TestUser): Side => ({ server, user, name: server.config.server_name })

    /** Alice has said something, and Carol's server alone tells Bob's of the past. */
    beforeEach(async function () {
      asked = []
      const started = await startNeighbours(3, engine, ({ url }) => {
        if (url.includes('/event/')) asked.push(url)
        return !url.includes('/federation/v1/send/') && !url.includes('/backfill/')
      })
      if (started === undefined) return this.skip()
      neighbours = started
      const [one, two, three] = neighbours.servers as [TestServer, TestServer, TestServer]
      alice = sideOf(one, await one.register('alice'))
      carol = sideOf(two, await two.register('carol'))
      bob = sideOf(three, await three.register('bob'))
      const made = await alice.user.post('/createRoom', { preset: 'public_chat', room_version: '11', topic: 'the topic' })
      room = made.body.room_id
      topic = (await alice.user.get(`/rooms/${room}/state/m.room.topic/?format=event`)).body.event_id
      said = (await alice.user.put(`/rooms/${room}/send/m.room.message/1`, { msgtype: 'm.text', body: 'said' })).body.event_id
      await carol.user.post(`/join/${room}?via=${alice.name}`, {})
    })
    afterEach(() => neighbours?.close())

    const changed = async (eventId: EventId): Promise<JsonObject> => ({
      ...(await pduOf(alice, eventId)),
      content: { msgtype: 'm.text', body: 'forged', topic: 'forged' },
    })
    const shown = async (eventId: EventId): Promise<Body> => {
      const { chunk } = (await bob.user.get(`/rooms/${room}/messages?dir=b&limit=100`)).body
      return chunk.find(({ event_id }: Body) => event_id === eventId)?.content
    }
    /** All of the room, and some of it changed. */
    const history = async (...ids: EventId[]): Promise<JsonObject> => {
      const { graph } = alice.server.server
      const texts = await graph.forServers.backfill(room, alice.name, (await graph.room(room))?.extremities ?? [], 100)
      const pdus = await Promise.all(
        texts.map(async (text) => {
          const pdu = JSON.parse(Buffer.from(text).toString())
          const changes = await Promise.all(ids.map(changed))
          return changes.find(({ hashes }) => (hashes as Body).sha256 === pdu.hashes.sha256) ?? pdu
        }),
      )
      return { pdus }
    }
    /** What Bob is shown once he has joined and Carol's server has told him of the past. */
    const tell = async (...ids: EventId[]): Promise<void> => {
      const body = await history(...ids)
      await bob.user.post(`/join/${room}?via=${alice.name}`, {})
      answers(bob, '/backfill/', body, carol.name)
      asked = []
    }
    const askedFor = (eventId: EventId) => asked.filter((url) => url.includes(encodeURIComponent(eventId)))

    it('is shown as it was said: its sender’s server is asked', async () => {
      await tell(said)
      expect(await shown(said)).to.deep.equal({ msgtype: 'm.text', body: 'said' })
      expect(askedFor(said).map((url) => new URL(url).host)).to.deep.equal([alice.name])
    })

    it('is what was known of it before: nobody is asked for that', async () => {
      await tell(topic)
      expect((await shown(topic)).topic).to.equal('the topic')
      expect((await bob.user.get(`/rooms/${room}/state/m.room.topic/`)).body.topic).to.equal('the topic')
      expect(askedFor(topic)).to.deep.equal([])
    })

    it('is what is left of it where its sender’s server has no more, or nobody else can be asked', async () => {
      await tell(said)
      const end = answers(bob, `/event/${encodeURIComponent(said)}`, { pdus: [await changed(said)] })
      expect(await shown(said)).to.deep.equal({})
      end()
    })

    it('is redacted where its redaction comes along: nobody is asked for what is gone', async () => {
      await alice.user.put(`/rooms/${room}/redact/${said}/1`, {})
      await tell()
      expect(await shown(said)).to.deep.equal({})
      expect(askedFor(said)).to.deep.equal([])
    })

    it('is redacted by whoever had the power for it then, whatever has become of them', async () => {
      const carry = async (from: Side, to: Side, eventId: EventId) =>
        to.server.server.graph.receive(from.name, room, [await pduOf(from, eventId)])
      const power = async (level: number) => {
        const users = { [alice.user.userId]: 100, [carol.user.userId]: level }
        return (await alice.user.put(`/rooms/${room}/state/m.room.power_levels/`, { users })).body.event_id as EventId
      }
      await carry(alice, carol, await power(50))
      await carry(alice, carol, said)
      const redaction = (await carol.user.put(`/rooms/${room}/redact/${said}/1`, {})).body.event_id
      await carry(carol, alice, redaction)
      await power(0)
      await tell()
      const { chunk } = (await bob.user.get(`/rooms/${room}/messages?dir=b&limit=100`)).body
      const find = (eventId: EventId) => chunk.find(({ event_id }: Body) => event_id === eventId)
      expect(find(redaction).type).to.equal('m.room.redaction')
      expect(find(said).unsigned.redacted_because.event_id).to.equal(redaction)
    })

    it('is asked of nobody where none of it is taken, since news came with it', async () => {
      await tell()
      const news = (await alice.user.put(`/rooms/${room}/send/m.room.message/2`, { msgtype: 'm.text', body: 'news' })).body.event_id
      answers(bob, '/timestamp_to_event/', { event_id: news, origin_server_ts: Date.now() }, carol.name)
      answers(bob, '/backfill/', await history(said), carol.name)
      asked = []
      await bob.server.server.graph.bringClosest({ roomId: room, timestamp: 0, direction: 'f', than: undefined })
      expect(askedFor(said)).to.deep.equal([])
    })

    it('makes whole what was changed in the state that was given on entry', async () => {
      const forged = await changed(topic)
      const isTopic = (pdu: JsonObject) => pdu['type'] === 'm.room.topic'
      answers(bob, '/send_join/', (real) => ({
        ...real,
        state: (real['state'] as JsonObject[]).map((pdu) => (isTopic(pdu) ? forged : pdu)),
      }))
      await tell()
      const standing = async () => (await bob.user.get(`/rooms/${room}/state/m.room.topic/`)).body
      expect(await standing()).to.deep.equal({})
      expect((await shown(topic)).topic).to.equal('the topic')
      expect((await standing()).topic).to.equal('the topic')
    })
  })
}
