import { expect } from 'chai'
import { graphOver, message, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine } from '../../support/storage.ts'

const alice = user('alice')
const topic = (words: string) => ({ type: 'm.room.topic', stateKey: '', sender: alice, content: { topic: words } })

forEachEngine('a room that memory reads back from the disk', (open) => {
  /** A room with fifteen messages after a topic, and a graph over it that has read nothing yet. */
  async function restarted() {
    const opened = await open()
    const roomId = await publicRoom(graphOver(opened), alice, [topic('first'), topic('second')])
    for (let n = 0; n < 15; n++) await graphOver(opened).append(roomId, [message(alice, `message ${n}`)])
    const graph = graphOver(opened)
    await graph.room(roomId)
    const end = opened.notifier.position()
    const bodies = async (after: number, upTo: number, limit: number) => {
      const { events, limited } = await graph.arrived(roomId, after, upTo, limit)
      return { limited, bodies: events.map(({ pdu }) => pdu.content['body']) }
    }
    return { opened, graph, roomId, end, bodies }
  }
  const messages = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `message ${from + n}`)

  it('gives the newest events, again and again, also more or fewer of them, and older and newer ones', async () => {
    const { graph, roomId, end, bodies } = await restarted()
    const newest = { limited: true, bodies: messages(5, 15) }
    expect(await bodies(0, end, 10)).to.deep.equal(newest)
    expect(await bodies(0, end, 10)).to.deep.equal(newest)
    expect(await bodies(0, end, 11)).to.deep.equal({ limited: true, bodies: messages(4, 15) })
    expect(await bodies(0, end, 3)).to.deep.equal({ limited: true, bodies: messages(12, 15) })
    expect(await bodies(0, end, 0)).to.deep.equal({ limited: true, bodies: [] })
    expect(await bodies(end - 4, end, 4)).to.deep.equal({ limited: false, bodies: messages(11, 15) })
    expect(await bodies(0, end - 4, 8)).to.deep.equal({ limited: true, bodies: messages(3, 11) })
    const all = await graph.arrived(roomId, 0, end, 100)
    expect(all.limited).to.equal(false)
    expect(all.events[0]?.pdu.type).to.equal('m.room.create')
    await graph.append(roomId, [message(alice, 'message 15')])
    expect(await bodies(0, Number.MAX_SAFE_INTEGER, 12)).to.deep.equal({ limited: true, bodies: messages(4, 16) })
  })

  it('gives an event as it was redacted after it was read', async () => {
    const { graph, roomId, end } = await restarted()
    const { events } = await graph.arrived(roomId, 0, end, 10)
    const target = events[4]!
    const redaction = { type: 'm.room.redaction', sender: alice, content: { redacts: target.eventId } }
    const { eventIds } = await graph.append(roomId, [redaction])
    const again = (await graph.arrived(roomId, 0, Number.MAX_SAFE_INTEGER, 11)).events.find(({ eventId }) => eventId === target.eventId)
    expect(again?.pdu.content).to.deep.equal({})
    expect(again?.redactedBy).to.equal(eventIds[0])
  })

  it('knows the state of the past, redacted since or not', async () => {
    const { graph, roomId } = await restarted()
    const { events } = await graph.arrived(roomId, 0, Number.MAX_SAFE_INTEGER, 100)
    const [first, second] = events.filter(({ pdu }) => pdu.type === 'm.room.topic')
    const topicAt = async (position: number) => {
      const group = (await graph.stateGroupAt(roomId, position)) ?? ''
      const state = await graph.stateWithoutMembers(group, roomId)
      expect(state.map(({ eventId }) => eventId)).to.have.members((await graph.stateWithoutMembers(group)).map(({ eventId }) => eventId))
      return state.find(({ pdu }) => pdu.type === 'm.room.topic')?.pdu.content
    }
    for (let round = 0; round < 2; round++) {
      expect(await topicAt((first!.position ?? 0) - 1)).to.equal(undefined)
      expect(await topicAt(first!.position ?? 0)).to.deep.equal({ topic: 'first' })
      expect(await topicAt(second!.position ?? 0)).to.deep.equal({ topic: 'second' })
    }
    for (const { eventId } of [first!, second!]) {
      await graph.append(roomId, [{ type: 'm.room.redaction', sender: alice, content: { redacts: eventId } }])
    }
    expect(await topicAt(first!.position ?? 0)).to.deep.equal({})
    expect(await topicAt(second!.position ?? 0)).to.deep.equal({})
    expect(await graph.stateGroupAt(roomId, 0)).to.equal(undefined)
  })
})
