import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../../server/core/room-versions.ts'
import { hashAndSignPdu } from '../../../../server/core/signatures.ts'
import { startTwoServers, type TwoServers } from './two-servers.ts'

const rules = roomRules('11') as RoomRules

describe('a server that was away', () => {
  let town: TwoServers
  beforeEach(async () => {
    town = await startTwoServers('11', { bob: 0 })
  })
  afterEach(() => town.close())

  const become = (result: ReadonlyMap<string, unknown>) => [...result.values()]

  /** A message of Alice's that stands on events of a spec's choice, as her server has it from then on. */
  async function said(body: string, over: Partial<UnsignedPdu>): Promise<{ eventId: EventId; pdu: JsonObject }> {
    const { alice, room } = town
    const { graph, home } = alice.server.server
    const { event } = await graph.propose(
      room,
      { type: 'm.room.message', sender: alice.user.userId, content: { msgtype: 'm.text', body } },
      [],
    )
    const { pdu, eventId } = hashAndSignPdu({ ...event, ...over }, rules, alice.name, home.signingKey)
    expect(become(await graph.receive('elsewhere', room, [pdu as unknown as JsonObject]))).to.deep.equal(['accepted'])
    return { eventId, pdu: pdu as unknown as JsonObject }
  }

  it('takes in what joins many branches of a room, however much of them it missed', async () => {
    const { alice, bob, room, say, carry, sees } = town
    const base = (await alice.server.server.graph.room(room))!.extremities
    const tips: EventId[] = []
    for (let branch = 0; branch < 6; branch++) {
      let prev_events = base
      for (let at = 0; at < 6; at++) prev_events = [(await said(`${branch} ${at}`, { prev_events, depth: 20 + at })).eventId]
      tips.push(...prev_events)
    }
    const joining = await said('joining', { prev_events: tips, depth: 30 })
    expect(become(await bob.server.server.graph.receive(alice.name, room, [joining.pdu]))).to.deep.equal(['accepted'])
    expect(become(await carry(alice, await say(alice, 'after')))).to.deep.equal(['accepted'])
    expect((await sees(bob)).slice(-2)).to.deep.equal(['joining', 'after'])
  })

  it('reads history of whoever is there, however many larger servers of the room are gone', async () => {
    const { bob, room } = town
    const servers = (await bob.server.server.graph.room(room))?.servers as Map<string, number>
    for (const gone of ['localhost:1', 'localhost:2', 'localhost:3', 'localhost:4']) servers.set(gone, 100)
    const { chunk } = (await bob.user.get(`/rooms/${room}/messages?dir=b&limit=100`)).body
    expect(chunk.at(-1).type).to.equal('m.room.create')
  })

  it('shelves no news that another server names as what is closest to a moment', async () => {
    const { alice, bob, room, say, carry } = town
    const { next_batch: since } = (await bob.user.get('/sync')).body
    const moment = Date.now() + 1
    while (Date.now() <= moment) await new Promise(setImmediate)
    const news = await say(alice, 'news')
    const found = await bob.user.get(`/_matrix/client/v1/rooms/${room}/timestamp_to_event?dir=f&ts=${moment}`)
    expect([found.status, found.body.event_id]).not.to.deep.equal([200, undefined])
    expect(become(await carry(alice, news))).to.deep.equal(['accepted'])
    const { timeline } = (await bob.user.get(`/sync?since=${since}`)).body.rooms.join[room]
    expect(timeline.events.map(({ event_id }: { event_id: string }) => event_id)).to.deep.equal([news])
  })

  it('forgets no branch of a room that has more of them than an event may cite', async () => {
    const { alice, bob, room } = town
    const prev_events = (await alice.server.server.graph.room(room))!.extremities
    const branches: { eventId: EventId; pdu: JsonObject }[] = []
    for (let at = 0; at < 45; at++) branches.push(await said(`${at}`, { prev_events, depth: 20, origin_server_ts: at }))
    const { graph } = bob.server.server
    const given = branches.map(({ pdu }) => pdu)
    expect(new Set(become(await graph.receive(alice.name, room, given)))).to.deep.equal(new Set(['accepted']))
    const cited = async (ids: readonly string[]): Promise<string[]> => {
      const prevs = (await graph.events(ids as EventId[])).flatMap(({ pdu }) =>
        pdu.type === 'org.matrix.dummy_event' ? (pdu.prev_events as string[]) : [],
      )
      return prevs.length === 0 ? [...ids] : [...ids, ...(await cited(prevs))]
    }
    const { extremities } = (await graph.room(room))!
    expect(extremities.length).to.be.at.most(10)
    expect(await cited(extremities)).to.include.members(branches.map(({ eventId }) => eventId))
  })
})
