import { expect } from 'chai'
import type { Body } from '../../support/server.ts'
import { type Side, startTwoServers, type TwoServers } from '../graph/receive/two-servers.ts'

const sliding = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
let connections = 0
const lists = { all: { ranges: [[0, 9]], timeline_limit: 5, required_state: [['*', '*']] } }

/** What a client makes of a room by being told: with the state after the timeline, and by sliding sync. */
function readerOf({ user }: Side, room: string, limit: number) {
  const conn_id = `${connections++}`
  const bySync = new Map<string, string>()
  const bySliding = new Map<string, string>()
  const filter = JSON.stringify({ room: { timeline: { limit } } })
  let since: Record<string, string> = {}
  let pos: Record<string, string> = {}
  const take = (state: Map<string, string>, events: Body[] = []) => {
    for (const { type, state_key, event_id } of events) state.set(`${type} ${state_key}`, event_id)
  }
  return {
    bySync: () => Object.fromEntries([...bySync].sort()),
    bySliding: () => Object.fromEntries([...bySliding].sort()),
    read: async () => {
      const synced = (await user.get('/sync', { query: { use_state_after: 'true', filter, ...since } })).body
      since = { since: synced.next_batch }
      take(bySync, synced.rooms?.join?.[room]?.state_after.events)
      const slid = (await user.post(sliding, { conn_id, lists }, { query: pos })).body
      pos = { pos: slid.pos }
      take(bySliding, slid.rooms?.[room]?.required_state)
      return { synced: synced.rooms?.join?.[room], slid: slid.rooms?.[room] }
    },
  }
}

describe('State that no event of the timeline tells', () => {
  let two: TwoServers

  beforeEach(async () => {
    two = await startTwoServers('12', { bob: 50 })
  })

  afterEach(() => two.close())

  it('is told when forks were resolved to it', async () => {
    const { alice, bob, room } = two
    const readers = [readerOf(bob, room, 1), readerOf(bob, room, 50), readerOf(alice, room, 50)]
    for (const reader of readers) await reader.read()
    const said = new Map<Side, string[]>([alice, bob].map((side) => [side, []]))
    for (const side of [alice, bob]) {
      for (const type of ['m.room.topic', 'm.room.name', `org.example.${side.name.length}`]) {
        said.get(side)!.push(await two.setState(side, type, '', { topic: side.name, name: side.name }))
      }
      said.get(side)!.push(await two.say(side, 'a word'))
    }
    for (const reader of readers) await reader.read()
    await two.carry(alice, ...said.get(alice)!)
    await two.carry(bob, ...said.get(bob)!)
    for (const reader of readers) await reader.read()
    const state = await two.state(bob)
    expect(await two.state(alice)).to.deep.equal(state)
    for (const reader of readers) {
      expect(reader.bySync()).to.deep.equal(state)
      expect(reader.bySliding()).to.deep.equal(state)
    }
    const fresh = readerOf(alice, room, 50)
    await fresh.read()
    expect(fresh.bySync()).to.deep.equal(state)
  })

  it('is told when it came over a gap, which sliding sync shows as one', async () => {
    const { alice, bob, room } = two
    const after = readerOf(bob, room, 50)
    const { next_batch: since } = (await bob.user.get('/sync')).body
    await after.read()
    const topic = await two.setState(alice, 'm.room.topic', '', { topic: 'in the gap' })
    for (let n = 0; n < 40; n++) await two.say(alice, `${n}`)
    await two.carry(alice, await two.say(alice, 'the last'))
    const { synced, slid } = await after.read()
    expect(synced.timeline.limited).to.equal(true)
    expect(after.bySync()['m.room.topic ']).to.equal(topic)
    expect(slid.limited).to.equal(true)
    expect(slid.timeline.some(({ sender }: Body) => sender === bob.user.userId)).to.equal(false)
    const before = (await bob.user.get('/sync', { query: { since, filter: '{"room":{"timeline":{"limit":50}}}' } })).body.rooms.join[room]
    expect(before.state.events.map(({ event_id }: Body) => event_id)).to.include(topic)
  })

  it('is told of a room that was joined elsewhere and left', async () => {
    const { alice, bob, room } = two
    await bob.user.post(`/rooms/${room}/leave`, {})
    const filter = JSON.stringify({ room: { include_leave: true, timeline: { limit: 20 } } })
    const left = (await bob.user.get('/sync', { query: { filter } })).body.rooms.leave[room]
    expect(left.timeline.limited).to.equal(true)
    expect(left.state.events.map(({ type }: Body) => type)).to.include.members([
      'm.room.create',
      'm.room.join_rules',
      'm.room.power_levels',
    ])
    expect(left.state.events.map(({ state_key }: Body) => state_key)).to.include(alice.user.userId)
  })
})
