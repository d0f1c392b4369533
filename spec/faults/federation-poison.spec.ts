import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { EventId, RoomId } from '../../server/core/ids.ts'
import type { Json, JsonObject } from '../../server/core/json.ts'
import type { Pdu } from '../../server/core/pdu.ts'
import { generateSigningKey } from '../../server/core/signatures.ts'
import { forgeries } from '../support/hostile/forgeries.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../support/peers/peer-room.ts'
import { type Engine, engines, type TestUser } from '../support/server.ts'

const isFull = process.env['TOMBOLO_POISON'] === 'full'
const count = 50

type Poison = { readonly words: string; readonly make: (good: Pdu) => Promise<Json> | Json; readonly hasId?: boolean }
type Scene = {
  readonly among: AmongPeers
  readonly peer: Peer
  readonly other: Peer
  readonly alice: TestUser
  readonly member: PeerMember
}

async function openScene(engine: Engine): Promise<Scene | undefined> {
  const among = await startServerWithPeers(2, { engine })
  if (among === undefined) return undefined
  const [peer, other] = among.peers as [Peer, Peer]
  const alice = await among.server.register('alice')
  const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
  const member = await joinAsPeer(peer, among.server, body.room_id)
  return { among, peer, other, alice, member }
}

/** What stands among good events and is none: refused for what it says, for how it is signed, for what it is built on, or no event at all. */
function poisonsOf({ peer, other, alice, member }: Scene): Poison[] {
  const oldKey = generateSigningKey(randomBytes(32))
  const event = async (of: Parameters<PeerMember['event']>[0], after: readonly EventId[]) =>
    (await member.event(of, after)).pdu as unknown as Json
  const unknown = `$${'x'.repeat(43)}` as EventId
  const prevsOf = ({ prev_events: prevs }: Pdu) => prevs as readonly EventId[]
  const message = { type: 'm.room.message', content: { body: 'poison' } }
  const more = (words: string, of: (good: Pdu) => object): Poison => ({
    words,
    make: (good) => event({ ...message, ...of(good) }, prevsOf(good)),
  })
  return [
    ...forgeries.map(
      ({ words, make }): Poison => ({ words, make: (good) => make(good, { rules: member.rules, peer, other, oldKey }) as unknown as Json }),
    ),
    {
      ...more('somebody without power', () => ({
        type: 'm.room.power_levels',
        state_key: '',
        content: { users: { [member.userId]: 100 } },
      })),
      hasId: true,
    },
    { ...more('somebody who is not there', () => ({ sender: `@nobody:${peer.serverName}` })), hasId: true },
    more('built on what nobody has', () => ({ prev_events: [unknown] })),
    more('authorised by what nobody has', () => ({ auth_events: [unknown] })),
    more('built on itself and on too much', () => ({ prev_events: Array<EventId>(30).fill(unknown) })),
    more('of a user of ours', () => ({ sender: alice.userId })),
    more('too large', () => ({ content: { body: 'x'.repeat(70_000) } })),
    more('of a depth that is none', () => ({ depth: -1 })),
    ...[
      null,
      7,
      [],
      {},
      { room_id: member.roomId },
      { room_id: 7 },
      { room_id: '!elsewhere', type: 'm.room.message' },
      'x'.repeat(100_000),
    ].map((value): Poison => ({ words: `${JSON.stringify(value).slice(0, 60)}, which is no event`, make: () => value as Json })),
    { words: 'fields of other kinds', make: (good) => ({ ...good, auth_events: {}, prev_events: 'x', content: [] }) as unknown as Json },
    { words: 'deep', make: (good) => ({ ...good, content: nested(900) }) as unknown as Json },
  ]
}

function nested(depth: number): JsonObject {
  let value: JsonObject = {}
  for (let at = 0; at < depth; at++) value = { value }
  return value
}

const eduPoisons: readonly Json[] = [
  null,
  7,
  [],
  {},
  'x',
  { edu_type: 7, content: {} },
  { edu_type: 'm.direct_to_device' },
  { edu_type: 'm.direct_to_device', content: null },
  {
    edu_type: 'm.direct_to_device',
    content: { sender: '@a:elsewhere', type: 'x', message_id: 'x', messages: { '@alice:hs.test': { '*': {} } } },
  },
  { edu_type: 'm.direct_to_device', content: { sender: 7, type: [], message_id: {}, messages: [] } },
  { edu_type: 'm.typing', content: { room_id: {}, user_id: [], typing: 'x' } },
  { edu_type: 'm.receipt', content: { '!x': { 'm.read': { '@x:y': 7 } } } },
  { edu_type: 'm.receipt', content: [] },
  { edu_type: 'm.presence', content: { push: [null, 7, {}] } },
  { edu_type: 'm.device_list_update', content: { stream_id: 'x', prev_id: 7 } },
  { edu_type: 'm.signing_key_update', content: { user_id: '@x:y' } },
  { edu_type: 'org.example.unknown', content: { deep: nested(900) } },
]

for (const engine of engines) {
  describe(`F-09: what is poison among ${count - 1} good ones, on ${engine}`, () => {
    const places = Array.from({ length: count }, (_, place) => place).filter((place) => isFull || engine === 'sqlite' || place % 10 === 3)
    let scene: Scene
    let transactions = 0
    before(async function () {
      const started = await openScene(engine)
      if (started === undefined) return this.skip()
      scene = started
    })
    after(() => scene?.among.close())

    const put = (content: JsonObject, id = `t${++transactions}`) =>
      scene.peer.ask(scene.among.server, 'PUT', `/_matrix/federation/v1/send/${id}`, {
        origin: scene.peer.serverName,
        origin_server_ts: 1,
        ...content,
      })
    const position = () => scene.among.server.server.home.notifier.position()
    const roomOf = (eventId: EventId) => scene.among.server.server.graph.event(eventId)

    /** Fifty events in a row, one of them replaced; gives the ids of the good ones. */
    async function play(poison: Poison, place: number, last: EventId): Promise<EventId> {
      const { member } = scene
      const pdus: Json[] = []
      const good: EventId[] = []
      let bad: Json | undefined
      for (let at = 0; at < count; at++) {
        const one = await member.message(`${place} ${at}`, [good.at(-1) ?? last])
        if (at === place) bad = await poison.make(one.pdu)
        else good.push(one.eventId)
        pdus.push(at === place ? (bad as Json) : (one.pdu as unknown as Json))
      }
      const id = `f09-${++transactions}`
      const answer = await put({ pdus }, id)
      const words = `${poison.words} at ${place}`
      expect(answer.status, words).to.equal(200)
      for (const eventId of good) expect(answer.body.pdus[eventId], words).to.deep.equal({})
      const others = Object.entries<JsonObject>(answer.body.pdus).filter(([eventId]) => !good.includes(eventId as EventId))
      if (poison.hasId)
        expect(
          others.map(([, { error }]) => typeof error),
          words,
        ).to.deep.equal(['string'])
      for (const eventId of [good[0], good.at(-1)]) expect(await roomOf(eventId as EventId), words).to.not.equal(undefined)
      const before = position()
      expect((await put({ pdus }, id)).body, words).to.deep.equal(answer.body)
      const again = await put({ pdus: pdus.filter((_, at) => at !== place) })
      expect(Object.values(again.body.pdus), words).to.deep.equal(Array(count - 1).fill({}))
      expect(position(), `${words}: nothing is done again`).to.equal(before)
      return good.at(-1) as EventId
    }

    it('at each place, whatever it is: the others are stored, 200 and an error for it, and nothing again the second time', async () => {
      const poisons = poisonsOf(scene)
      const turns = isFull ? poisons.length : 1
      let last = scene.member.joinId
      for (let turn = 0; turn < turns; turn++)
        for (const place of places) last = await play(poisons[(place + turn) % poisons.length] as Poison, place, last)
      const { body } = await scene.alice.get(`/rooms/${scene.member.roomId as RoomId}/messages?dir=b&limit=${count - 1}`)
      expect(body.chunk.map(({ event_id }: { event_id: string }) => event_id)).to.include(last)
      const bodies = body.chunk.map(({ content }: { content: JsonObject }) => content['body'])
      for (const poison of ['poison', 'forged']) expect(bodies).to.not.include(poison)
    })

    it('an EDU at each place: the others have their effect once, in their order', async () => {
      const { alice, member } = scene
      let since = (await alice.get('/sync')).body.next_batch
      for (const place of places) {
        const edus = Array.from({ length: count }, (_, at): Json => {
          if (at === place) return eduPoisons[place % eduPoisons.length] as Json
          const messages = { [alice.userId]: { [alice.deviceId]: { place, at } } }
          return {
            edu_type: 'm.direct_to_device',
            content: { sender: member.userId, type: 'm.test', message_id: `${place} ${at}`, messages },
          }
        })
        const id = `edus${place}`
        for (const _ of [1, 2]) expect((await put({ pdus: [], edus }, id)).status).to.equal(200)
        expect((await put({ pdus: [], edus })).status).to.equal(200)
        const { body } = await alice.get('/sync', { query: { since } })
        since = body.next_batch
        const expected = Array.from({ length: count }, (_, at) => ({ place, at })).filter(({ at }) => at !== place)
        expect(body.to_device.events.map(({ content }: { content: Json }) => content)).to.deep.equal(expected)
      }
    })
  })
}
