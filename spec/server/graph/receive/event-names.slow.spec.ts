import { expect } from 'chai'
import { referenceOf } from '../../../../server/core/hashes.ts'
import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu, Reference, UnsignedPdu } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { hashAndSignPdu } from '../../../../server/core/signatures.ts'
import type { Template } from '../../../../server/graph/graph.ts'
import { pduOf, type Side, startTwoServers, type TwoServers } from './two-servers.ts'

const version = '1'
const rules = roomRules(version)!
describe('names of events in rooms of versions 1 and 2', () => {
  let town: TwoServers
  beforeEach(async () => {
    town = await startTwoServers(version, { bob: 0 })
  })
  afterEach(() => town.close())

  let count = 0
  const newId = (side: Side): EventId => `$made${count++}:${side.name}`
  const message = ({ user }: Side, body: string): Template => ({ type: 'm.room.message', sender: user.userId, content: { body } })

  /** An event of a server that says of itself what it likes. */
  async function craft(side: Side, template: Template, over: Partial<UnsignedPdu>, room: RoomId = town.room): Promise<JsonObject> {
    const { home, graph } = side.server.server
    const { event } = await graph.propose(room, template, [side.name])
    return hashAndSignPdu({ ...event, ...over }, rules, side.name, home.signingKey).pdu as unknown as JsonObject
  }
  const give = async (from: Side, pdus: readonly JsonObject[], room: RoomId = town.room) => {
    const to = from === town.alice ? town.bob : town.alice
    return [...(await to.server.server.graph.receive(from.name, room, pdus)).values()]
  }
  const cite = (pdu: JsonObject): Reference => referenceOf(pdu['event_id'] as EventId, pdu as unknown as Pdu, rules)

  it('stay with the first event that came under them, of one answer and later', async () => {
    const { alice, bob, sees } = town
    const event_id = newId(bob)
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map((text) => craft(bob, message(bob, text), { event_id })))
    expect(await give(bob, [one!, two!])).to.deep.equal(['accepted'])
    expect(await give(bob, [three!])).to.deep.equal([])
    expect(await give(bob, [one!])).to.deep.equal(['known'])
    expect(await sees(alice)).to.deep.equal(['one'])
    expect((await craft(alice, message(alice, 'next'), { event_id: newId(alice) }))['prev_events']).to.deep.equal([cite(one!)])
  })

  it('stay with what was kept beside a room, however the second event is a better one', async () => {
    const { alice, bob } = town
    const event_id = newId(bob)
    const power = { type: 'm.room.power_levels', stateKey: '', sender: bob.user.userId, content: { users: { [bob.user.userId]: 100 } } }
    const join = { type: 'm.room.member', stateKey: bob.user.userId, sender: bob.user.userId, content: { membership: 'join' } }
    const before = await town.state(alice)
    // What Bob may not say is refused, and kept so that what cites it can be judged.
    const graph = bob.server.server.graph
    const { event } = await graph.propose(town.room, join, [bob.name])
    const asPower = { ...event, type: 'm.room.power_levels', state_key: '', content: power.content, event_id } as UnsignedPdu
    const refused = hashAndSignPdu(asPower, rules, bob.name, bob.server.server.home.signingKey).pdu as unknown as JsonObject
    expect(await give(bob, [refused])).to.have.nested.property('[0].rejected')
    const second = await craft(bob, { ...join, content: { membership: 'join', displayname: 'Bob' } }, { event_id })
    expect(await give(bob, [second])).to.deep.equal([])
    expect(await town.state(alice)).to.deep.equal(before)
  })

  it('stay in the room in which they were seen first: nothing of one room becomes state of another', async () => {
    const { alice, bob } = town
    const made = await bob.user.post('/createRoom', { preset: 'public_chat', room_version: version })
    const own = made.body.room_id as RoomId
    expect((await alice.user.post(`/join/${own}?via=${bob.name}`, {})).status).to.equal(200)
    const event_id = newId(bob)
    const levels: Template = {
      type: 'm.room.power_levels',
      stateKey: '',
      sender: bob.user.userId,
      content: { users: { [bob.user.userId]: 100 }, ban: 0 },
    }
    const name: Template = { type: 'm.room.member', stateKey: bob.user.userId, sender: bob.user.userId, content: { membership: 'join' } }
    const inOwn = await craft(bob, levels, { event_id }, own)
    const inTown = await craft(bob, name, { event_id })
    const results = await Promise.all([give(bob, [inOwn], own), give(bob, [inTown])])
    expect(results.flat()).to.deep.equal(['accepted'])
    const room = (await alice.server.server.graph.room(town.room))!
    expect(room.state('m.room.power_levels', '')?.pdu.room_id).to.equal(town.room)
  })

  it('hide what came second under them, and nothing that stands on it', async () => {
    const { alice, bob, carry, say, sees } = town
    const own = (await bob.user.post('/createRoom', { preset: 'public_chat', room_version: version })).body.room_id as RoomId
    expect((await alice.user.post(`/join/${own}?via=${bob.name}`, {})).status).to.equal(200)
    const event_id = newId(bob)
    expect(await give(bob, [await craft(bob, message(bob, 'first'), { event_id }, own)], own)).to.deep.equal(['accepted'])
    // In its own town Bob's server has the name for another event, on which all goes on.
    const second = await craft(bob, message(bob, 'second'), { event_id })
    const there = bob.server.server.graph
    expect([...(await there.receive(bob.name, town.room, [second])).values()]).to.deep.equal(['accepted'])
    const next = await say(bob, 'next')
    expect((await pduOf(bob, next))['prev_events']).to.deep.equal([cite(second)])
    expect([...(await carry(bob, next)).values()]).to.deep.equal(['accepted'])
    expect(await sees(alice)).to.deep.equal(['next'])
    expect(await town.state(alice)).to.deep.equal(await town.state(bob))
  })

  it('are given by servers in their own name only', async () => {
    const { alice, bob, sees } = town
    const foreign = await craft(bob, message(bob, 'foreign'), { event_id: newId(alice) })
    const nameless = await craft(bob, message(bob, 'nameless'), { event_id: '$hash' as EventId })
    expect(await give(bob, [foreign, nameless])).to.deep.equal([])
    expect(await sees(alice)).to.deep.equal([])
  })

  it('may lead in rings: that ends, and keeps nobody from going on', async () => {
    const { alice, bob, room, carry, say, sees } = town
    const [first, second] = [newId(bob), newId(bob)]
    const hash = { sha256: 'x' }
    const own = { auth_events: [[first, hash]] as Reference[], prev_events: [[first, hash]] as Reference[] }
    const itself = await craft(bob, message(bob, 'itself'), { ...own, event_id: first })
    expect(await give(bob, [itself])).to.satisfy((results: unknown[]) => results.every((result) => result !== 'accepted'))
    const third = newId(bob)
    const ring = await Promise.all(
      [
        [second, third],
        [third, second],
      ].map(([event_id, other]) =>
        craft(bob, message(bob, `${event_id}`), { event_id: event_id as EventId, prev_events: [[other as EventId, hash]] }),
      ),
    )
    await give(bob, ring)
    const last = await say(bob, 'still here')
    expect([...(await carry(bob, last)).values()]).to.deep.equal(['accepted'])
    expect((await sees(alice)).at(-1)).to.equal('still here')
    const { body } = await bob.user.get(`/rooms/${room}/messages?dir=b&limit=100`)
    expect(body.chunk).to.be.an('array')
    expect(await pduOf(alice, last)).to.have.property('event_id', last)
  })
})
