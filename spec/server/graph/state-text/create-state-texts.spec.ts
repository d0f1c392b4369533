import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../../server/core/ids.ts'
import type { Graph, StateEvent, StateText } from '../../../../server/graph/graph.ts'
import { createMemberships } from '../../../../server/graph/memberships.ts'
import { setMember } from '../../../../server/graph/room.ts'
import { createRooms } from '../../../../server/graph/rooms.ts'
import { createPastStates } from '../../../../server/graph/state-at.ts'
import { createStateTexts } from '../../../../server/graph/state-text/create-state-texts.ts'
import { selectStateJson } from '../../../../server/graph/state-text/state-text.store.ts'
import type { Database } from '../../../../server/storage/database.ts'
import { graphOver, member, message, publicRoom, user } from '../../../support/graph.ts'
import { forEachEngine } from '../../../support/storage.ts'

const alice = user('alice')
const everybody = () => true

function named(userId: UserId, displayname: string) {
  return { type: 'm.room.member', stateKey: userId, sender: userId, content: { membership: 'join', displayname } }
}

/** What a text says, without the age that it wants. */
function told(texts: readonly StateText[]): object[] {
  const events = texts.map(({ open }) => JSON.parse(`${open}0}}`))
  return events.map(({ event_id, type, state_key, content, room_id }) => ({ event_id, type, state_key, content, room_id })).sort(byId)
}

function expected(events: readonly StateEvent[], roomId: RoomId): object[] {
  const all = events.map(({ eventId, pdu: { type, state_key, content } }) => ({
    event_id: eventId,
    type,
    state_key,
    content,
    room_id: roomId,
  }))
  return all.sort(byId)
}

function byId(one: { event_id: string }, other: { event_id: string }): number {
  return one.event_id < other.event_id ? -1 : 1
}

async function groupOf(graph: Graph, roomId: RoomId): Promise<string> {
  return (await graph.freshRoom(roomId))?.stateGroup ?? ''
}

/** The joined members by both answers, which must be of one mind. */
async function joined(graph: Graph, roomId: RoomId): Promise<Record<string, { display_name?: string }>> {
  const group = await groupOf(graph, roomId)
  const body = JSON.parse(Buffer.from(await graph.joinedMembersText(roomId)).toString()).joined
  const texts = told(await graph.memberTexts(roomId, group, (membership) => membership === 'join'))
  const stateKeys = (texts as { state_key: string }[]).map(({ state_key }) => state_key)
  expect(Object.keys(body).sort()).to.deep.equal(stateKeys.sort())
  expect(told(await graph.stateTexts(roomId, group))).to.deep.equal(expected(await graph.stateOf(group), roomId))
  return body
}

forEachEngine('states as text', (open) => {
  it('follow joins, profiles, leaves, bans and redactions of what was asked for before', async () => {
    const graph = graphOver(await open())
    const bob = user('bob')
    const roomId = await publicRoom(graph, alice)
    const change = async (...templates: Parameters<Graph['append']>[1]): Promise<EventId> => {
      const { eventIds } = await graph.append(roomId, templates)
      await joined(graph, roomId)
      return eventIds[0]!
    }
    expect(await joined(graph, roomId)).to.deep.equal({ [alice]: {} })
    const event = await change(named(bob, 'Bob'))
    expect(await joined(graph, roomId)).to.deep.equal({ [alice]: {}, [bob]: { display_name: 'Bob' } })
    await change({ type: 'm.room.redaction', sender: alice, content: { redacts: event } })
    expect(await joined(graph, roomId)).to.deep.equal({ [alice]: {}, [bob]: {} })
    await change(named(bob, 'Robert'))
    expect((await joined(graph, roomId))[bob]).to.deep.equal({ display_name: 'Robert' })
    await change(member(bob, bob, 'leave'))
    expect(await joined(graph, roomId)).to.deep.equal({ [alice]: {} })
    await change(member(alice, bob, 'ban'))
    const banned = await graph.memberTexts(roomId, await groupOf(graph, roomId), (membership) => membership === 'ban')
    expect(told(banned)).to.have.length(1)
  })

  it('of the past are those that the state groups say, whatever of them is still so', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    const people = Array.from({ length: 12 }, (_, number) => user(`u${number}`))
    const groups: string[] = []
    for (let step = 0; step < 60; step++) {
      const who = people[(step * 5) % people.length]!
      const topic = { type: 'm.room.topic', stateKey: '', sender: alice, content: { topic: `${step}` } }
      await graph.append(roomId, [step % 7 === 3 ? topic : named(who, `name ${step}`)])
      groups.push(await groupOf(graph, roomId))
      if (step % 9 === 0) await joined(graph, roomId)
    }
    for (const group of groups) {
      const events = await graph.stateOf(group)
      expect(told(await graph.stateTexts(roomId, group))).to.deep.equal(expected(events, roomId))
      const members = events.filter(({ pdu }) => pdu.type === 'm.room.member')
      expect(told(await graph.memberTexts(roomId, group, everybody))).to.deep.equal(expected(members, roomId))
    }
  })

  it('are read some at a time, so that others are served in between', async () => {
    const { database, notifier } = await open()
    const crowd = Array.from({ length: 450 }, (_, number) => user(`u${number}`))
    const roomId = await publicRoom(
      graphOver({ database, notifier }),
      alice,
      crowd.map((one) => named(one, one)),
    )
    const graph = graphOver({ database, notifier })
    await graph.room(roomId)
    let turns = 0
    let running = true
    const turn = (): void => {
      turns++
      if (running) setImmediate(turn)
    }
    setImmediate(turn)
    expect(Object.keys(await joined(graph, roomId))).to.have.length(451)
    running = false
    expect(turns).to.be.greaterThan(1)
  })

  it('are not kept where they changed while they were read', async () => {
    const { database, notifier } = await open()
    const bob = user('bob')
    const writer = graphOver({ database, notifier })
    const roomId = await publicRoom(writer, alice)
    const { eventIds } = await writer.append(roomId, [named(bob, 'Bob')])
    let meanwhile: (() => Promise<unknown>) | undefined
    const select: Database['select'] = async (of, ...parameters) => {
      const rows = await database.select(of, ...parameters)
      if ((of as unknown) !== selectStateJson) return rows
      await meanwhile?.()
      meanwhile = undefined
      return rows
    }
    const graph = graphOver({ database: { ...database, select }, notifier })
    meanwhile = () => graph.append(roomId, [{ type: 'm.room.redaction', sender: alice, content: { redacts: eventIds[0]! } }])
    await graph.joinedMembersText(roomId)
    expect(await joined(graph, roomId)).to.deep.equal({ [alice]: {}, [bob]: {} })
  })

  it('of a moment ago cost what has changed since, however many the members', async () => {
    const { database, notifier } = await open()
    const crowd = Array.from({ length: 450 }, (_, number) => user(`u${number}`))
    let rows = 0
    const select: Database['select'] = async (of, ...parameters) => {
      const found = await database.select(of, ...parameters)
      rows += found.length
      return found
    }
    const graph = graphOver({ database: { ...database, select }, notifier })
    const roomId = await publicRoom(
      graph,
      alice,
      crowd.map((one) => named(one, one)),
    )
    const group = await groupOf(graph, roomId)
    const before = told(await graph.stateTexts(roomId, group))
    await graph.append(roomId, [named(crowd[3]!, 'changed'), member(user('late'), user('late'), 'join')])
    await graph.append(roomId, [{ type: 'm.room.topic', stateKey: '', sender: alice, content: { topic: 'new' } }])
    await graph.room(roomId)
    rows = 0
    expect(told(await graph.stateTexts(roomId, group))).to.deep.equal(before)
    expect(rows).to.be.lessThan(100)
  })

  describe('in memory', () => {
    const bob = user('bob')
    const people = [bob, user('carol'), user('dan')]

    /** A room for each length of its members' names, and their texts over few bytes of memory. */
    async function over(...lengths: number[]) {
      const { database, notifier } = await open()
      const roomIds: RoomId[] = []
      for (const length of lengths) {
        const members = people.map((one) => named(one, 'x'.repeat(length)))
        roomIds.push(await publicRoom(graphOver({ database, notifier }), alice, members))
      }
      let reads = 0
      const select: Database['select'] = (of, ...parameters) => {
        if ((of as unknown) === selectStateJson) reads++
        return database.select(of, ...parameters)
      }
      const counted = { database: { ...database, select }, notifier, serverName: 'a.test' as const }
      const rooms = createRooms(counted, createMemberships(counted))
      const texts = createStateTexts({ ...counted, rooms, past: createPastStates(counted) }, 100_000)
      const readsFor = async (which: number) => {
        reads = 0
        const room = (await rooms.load(roomIds[which]!))!
        expect(await texts.memberTexts(room.roomId, room.stateGroup, everybody)).to.have.length(4)
        return reads
      }
      return { rooms, roomIds, readsFor, body: (which: number) => texts.joinedMembersText(roomIds[which]!) }
    }

    it('stay while there is room for their bytes, those that were asked for last', async () => {
      const { readsFor } = await over(10_000, 10_000, 10, 10)
      for (const [which, reads] of [
        [0, 1],
        [0, 0],
        [1, 1],
        [1, 0],
        [2, 1],
        [3, 1],
        [1, 0],
        [2, 0],
        [0, 1],
        [1, 1],
      ] as const) {
        expect(await readsFor(which), `${which}`).to.equal(reads)
      }
    })

    it('count with the body that was made of them, and go with it', async () => {
      const { readsFor, body } = await over(10_000, 3000)
      const made = await body(0)
      expect(await body(0)).to.equal(made)
      expect(await readsFor(1)).to.equal(1)
      const again = await body(0)
      expect(again).to.deep.equal(made)
      expect(again).to.not.equal(made)
      expect(await readsFor(1)).to.equal(1)
    })

    it('count once, however often they change', async () => {
      const { rooms, roomIds, readsFor, body } = await over(3000, 3000)
      const room = (await rooms.load(roomIds[0]!))!
      expect(await readsFor(0)).to.equal(1)
      for (let change = 0; change < 20; change++) {
        setMember(room, bob, 'join', room.members.get(bob)!.eventId)
        await body(0)
      }
      expect(await readsFor(1)).to.equal(1)
      expect(await readsFor(0)).to.equal(0)
    })
  })
})

forEachEngine(
  'states as text in two processes',
  (open) => {
    it('are at one what the other wrote a moment ago', async () => {
      const graphs = [graphOver(await open()), graphOver(await open())] as const
      const bob = user('bob')
      const roomId = await publicRoom(graphs[0], alice, [named(bob, 'Bob')])
      for (let round = 0; round < 10; round++) {
        const [writer, reader] = round % 2 === 0 ? graphs : [graphs[1], graphs[0]]
        const { eventIds } = await writer.append(roomId, [named(bob, `Bob ${round}`), message(alice, 'x')])
        expect((await joined(reader, roomId))[bob]).to.deep.equal({ display_name: `Bob ${round}` })
        await writer.append(roomId, [{ type: 'm.room.redaction', sender: alice, content: { redacts: eventIds[0]! } }])
        expect((await joined(reader, roomId))[bob]).to.deep.equal({})
        await writer.append(roomId, [member(alice, bob, 'leave')])
        expect(await joined(reader, roomId)).to.deep.equal({ [alice]: {} })
      }
    })
  },
  ['postgres'],
)
