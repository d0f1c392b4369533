import { expect } from 'chai'
import { eventIdOf } from '../../../../server/core/hashes.ts'
import type { EventId, RoomId } from '../../../../server/core/ids.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../../server/core/room-versions.ts'
import { groupWrites } from '../../../../server/graph/commit.ts'
import { chainWith, newGroupOf } from '../../../../server/graph/draft.ts'
import { outlierWrite } from '../../../../server/graph/receive/auth-events.ts'
import { createStates } from '../../../../server/graph/receive/resolve-state.ts'
import { keepState } from '../../../../server/graph/receive/state-before.ts'
import type { ChainLink } from '../../../../server/graph/room.ts'
import { createPastStates } from '../../../../server/graph/state-at.ts'
import type { Database, Select } from '../../../../server/storage/database.ts'
import { graphOver, publicRoom, user } from '../../../support/graph.ts'
import { forEachEngine } from '../../../support/storage.ts'

const rules = roomRules('11') as RoomRules
const alice = user('alice')
const inState = 2000
const mostForks = 12

type Fork = { readonly eventId: EventId; readonly chain: readonly ChainLink[] }

forEachEngine('what many forks of a room come to', (open) => {
  let database: Database
  let roomId: RoomId
  let topic: Pdu
  let base: readonly ChainLink[]
  beforeEach(async () => {
    const opened = await open()
    database = opened.database
    const graph = graphOver(opened)
    roomId = await publicRoom(graph, alice, [{ type: 'm.room.topic', stateKey: '', sender: alice, content: { topic: 'before' } }], '11')
    for (let from = 0; from < inState; from += 50) {
      const page = Array.from({ length: 50 }, (_, n) => ({ type: 'x', stateKey: `${from + n}`, sender: alice, content: {} }))
      await graph.append(roomId, page)
    }
    const state = await graph.stateOf((await graph.room(roomId))!.stateGroup)
    topic = state.find(({ pdu }) => pdu.type === 'm.room.topic')!.pdu
    const whole = await keepState(
      { database },
      roomId,
      state.map(({ eventId }) => eventId),
    )
    base = [{ stateGroup: whole, ordinal: 1 }]
  })

  /** Another topic, on a state that every fork has below it. */
  async function fork(n: number, below = base): Promise<Fork> {
    const pdu: Pdu = { ...topic, content: { topic: `${n}` }, origin_server_ts: n, depth: 5000 }
    const eventId = eventIdOf(pdu, rules)
    const chain = chainWith(below, eventId)
    const group = newGroupOf(below, chain, [['m.room.topic', '', eventId]])
    await database.commit({ writes: [outlierWrite(roomId, rules, { eventId, pdu }, false), ...groupWrites(roomId, group)] })
    return { eventId, chain }
  }
  const forksOn = (below?: readonly ChainLink[]) => Promise.all(Array.from({ length: mostForks }, (_, n) => fork(n, below)))
  const groupsOf = (forks: readonly Fork[]) => forks.map(({ eventId }) => eventId as string)

  /** States over the database, and how many rows they read: in all, and at most before others had a turn. */
  function counted() {
    const count = { all: 0, inTurn: 0, most: 0 }
    const select: Select = async (of, ...parameters) => {
      const rows = await database.select(of, ...parameters)
      if (count.inTurn === 0) setImmediate(() => (count.inTurn = 0))
      count.all += rows.length
      count.inTurn += rows.length
      count.most = Math.max(count.most, count.inTurn)
      return rows
    }
    const counting = { ...database, select }
    return { count, states: createStates({ database: counting, past: createPastStates({ database: counting }) }) }
  }
  const topicOf = async (stateGroup: string) =>
    (await createPastStates({ database }).entry(stateGroup, 'm.room.topic', ''))?.pdu.content['topic']

  it('is read a page at a time, other work in between', async () => {
    const forks = await forksOn()
    const { states, count } = counted()
    const resolved = await states.resolve(roomId, rules, groupsOf(forks))
    expect(await topicOf(resolved.stateGroup)).to.equal(`${mostForks - 1}`)
    expect(count.most).to.be.at.most(1500)
  })

  it('is read once: another fork costs what it has itself', async () => {
    const below = (await fork(100)).chain
    const forks = await forksOn(below)
    const { states, count } = counted()
    await states.resolve(roomId, rules, groupsOf(forks))
    const later = await fork(200, below)
    count.all = 0
    const resolved = await states.resolve(roomId, rules, groupsOf([...forks, later]))
    expect(await topicOf(resolved.stateGroup)).to.equal('200')
    expect(count.all).to.be.at.most(100)
  })

  it('is the same wherever the forks begin, and differs in the one place that they changed', async () => {
    const below = (await fork(100)).chain
    for (const forks of [await forksOn(), await forksOn(below)]) {
      const { states } = counted()
      const { stateGroup } = await states.resolve(roomId, rules, groupsOf(forks))
      const changes = await states.changes(base[0]!.stateGroup, stateGroup)
      expect(changes.map(({ type, stateKey }) => [type, stateKey])).to.deep.equal([['m.room.topic', '']])
      expect(await states.changes(stateGroup, base[0]!.stateGroup)).to.have.length(1)
      expect(await createPastStates({ database }).all(stateGroup)).to.have.length(inState + 6)
    }
  })
})
