import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import type { Graph, TimelineEvent } from '../../../server/graph/graph.ts'
import { graphOver, member, message, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine, type Opened } from '../../support/storage.ts'

const alice = user('alice')
const bob = user('bob')
const everything = { depth: 0, order: Number.MIN_SAFE_INTEGER }

/** Each event stands on the one before it. */
function expectChain(events: readonly TimelineEvent[]): void {
  for (const [place, event] of events.slice(1).entries()) expect(event.pdu.prev_events).to.deep.equal([events[place]!.eventId])
}

forEachEngine(
  'a room of two processes',
  (open) => {
    async function two(): Promise<{ opened: [Opened, Opened]; graphs: [Graph, Graph]; roomId: RoomId }> {
      const opened: [Opened, Opened] = [await open(), await open()]
      const graphs: [Graph, Graph] = [graphOver(opened[0]), graphOver(opened[1])]
      const roomId = await publicRoom(graphs[0], alice, [member(bob, bob, 'join')])
      await graphs[1].append(roomId, [message(alice, 'both have the room in memory')])
      return { opened, graphs, roomId }
    }

    it('stays one chain when drafts are dropped and others are written in their stead', async () => {
      const { graphs, roomId } = await two()
      for (let round = 0; round < 25; round++) {
        const transaction = { session: 's', path: '/send', id: `${round}` }
        const quiet = (work: Promise<unknown>) => work.catch(() => undefined)
        await Promise.all([
          graphs[0].append(roomId, [message(alice, 'one')]),
          quiet(graphs[0].append(roomId, [message(bob, 'two')], { transaction })),
          graphs[0].append(roomId, [message(alice, 'three')]),
          quiet(graphs[0].append(roomId, [message(bob, 'four')])),
          graphs[0].append(roomId, [message(alice, 'five')]),
          quiet(graphs[1].append(roomId, [message(bob, 'two')], { transaction })),
          graphs[1].append(roomId, [member(alice, bob, 'ban')]),
          graphs[1].append(roomId, [message(alice, 'six')]),
        ])
        await graphs[round % 2]!.append(roomId, [member(alice, bob, 'leave'), member(bob, bob, 'join')])
      }
      const events = await graphs[0].page(roomId, everything, 'f', 1000)
      expect(events.length).to.be.greaterThan(25 * 6)
      expectChain(events)
      expect(events.map(({ depth }) => depth)).to.deep.equal(events.map((_, place) => place + 1))
    })

    it('has each event once in the memory of both, whoever wrote it', async () => {
      const { opened, graphs, roomId } = await two()
      const [first, second] = opened
      const start = Math.max(first.notifier.position(), second.notifier.position())
      for (const { notifier } of opened) await notifier.reached(start, 10_000)
      for (let round = 0; round < 40; round++) {
        const topic = (which: number) => ({ type: 'm.room.topic', stateKey: '', sender: alice, content: { topic: `${round} ${which}` } })
        await Promise.all([0, 1, 0, 1, 0].map((which) => graphs[which]!.append(roomId, [topic(which), message(alice, 'x')])))
        const end = Math.max(first.notifier.position(), second.notifier.position())
        for (const { notifier } of opened) await notifier.reached(end, 10_000)
        const from = end - 10
        const told = await Promise.all(graphs.map((graph) => graph.arrived(roomId, from, end, 100)))
        const kept = (await graphs[0].page(roomId, everything, 'f', 1000)).filter(({ position }) => position! > from && position! <= end)
        for (const { events } of told) expect(events.map(({ eventId }) => eventId)).to.deep.equal(kept.map(({ eventId }) => eventId))
        const last = kept.findLast(({ pdu }) => pdu.type === 'm.room.topic')
        for (const graph of graphs) expect((await graph.room(roomId))?.state('m.room.topic', '')?.eventId).to.equal(last?.eventId)
      }
    })

    it('knows a membership at one as soon as the room is read at the other, before the news of it came', async () => {
      const { graphs, roomId } = await two()
      await Promise.all(graphs.map((graph) => graph.memberships(bob)))
      for (let round = 0; round < 20; round++) {
        await graphs[0].append(roomId, [member(alice, bob, 'ban')])
        const { eventIds } = await graphs[0].append(roomId, [message(alice, 'without bob')])
        const seen = await graphs[1].visibleEvent(roomId, eventIds[0]!, bob).catch(() => undefined)
        expect(seen).to.equal(undefined)
        expect((await graphs[1].memberships(bob)).get(roomId)?.membership).to.equal('ban')
        await graphs[1].append(roomId, [member(alice, bob, 'leave'), member(bob, bob, 'join')])
      }
    })
  },
  ['postgres'],
)
