import { expect } from 'chai'
import { referenceOf } from '../../../server/core/hashes.ts'
import type { MatrixError } from '../../../server/core/matrix-error.ts'
import { checkPduShape } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import type { Template } from '../../../server/graph/graph.ts'
import { graphOver, member, message, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine } from '../../support/storage.ts'

const alice = user('alice')
const bob = user('bob')

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return (error as MatrixError).errcode
  }
  return 'nothing was refused'
}

forEachEngine('append', (open) => {
  it('keeps the order of what one sender appends without waiting, each event on top of the one before', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    const sent = await Promise.all(Array.from({ length: 100 }, (_, n) => graph.append(roomId, [message(alice, `${n}`)])))
    const page = (await graph.page(roomId, { depth: 1e9, order: 0 }, 'b', 100)).reverse()
    expect(page.map((event) => event.eventId)).to.deep.equal(sent.map(({ eventIds }) => eventIds[0]))
    page.slice(1).forEach((event, n) => {
      expect(event.pdu.prev_events).to.deep.equal([page[n]?.eventId])
      expect(event.depth).to.equal((page[n]?.depth ?? 0) + 1)
    })
  })

  it('refuses an event by the rules, and lets the ones after it through', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    const results = await Promise.all([
      graph.append(roomId, [message(alice, 'one')]),
      refusal(graph.append(roomId, [message(bob, 'two')])),
      graph.append(roomId, [message(alice, 'three')]),
    ])
    expect(results[1]).to.equal('M_FORBIDDEN')
    const bodies = (await graph.page(roomId, { depth: 1e9, order: 0 }, 'b', 2)).map((event) => event.pdu.content['body'])
    expect(bodies).to.deep.equal(['three', 'one'])
  })

  it('writes a transaction once, whether its twin comes at the same time, later or after a restart', async () => {
    const opened = await open()
    const [first, second] = [graphOver(opened), graphOver(opened)]
    const roomId = await publicRoom(first, alice)
    const transaction = { session: 's', path: '/send', id: 'txn' }
    const twins = await Promise.all([1, 2, 3].map((n) => first.append(roomId, [message(alice, `${n}`)], { transaction })))
    const later = await second.append(roomId, [message(alice, 'other words')], { transaction })
    const ids = new Set([...twins, later].map(({ eventIds }) => eventIds[0]))
    expect(ids.size).to.equal(1)
    expect(await first.append(roomId, [message(alice, 'x')], { transaction: { ...transaction, session: 't' } })).to.not.deep.equal(later)
  })

  it('decides drafts again after one before them was dropped, in their order', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    const transaction = { session: 's', path: '/send', id: 'same' }
    const work = Array.from({ length: 30 }, (_, n) => graph.append(roomId, [message(alice, `${n}`)], n % 3 === 1 ? { transaction } : {}))
    await Promise.all(work)
    const page = (await graph.page(roomId, { depth: 1e9, order: 0 }, 'b', 21)).reverse()
    const expected = Array.from({ length: 30 }, (_, n) => n).filter((n) => n % 3 !== 1 || n === 1)
    expect(page.map((event) => Number(event.pdu.content['body']))).to.deep.equal(expected)
    page.slice(1).forEach((event, n) => {
      expect(event.pdu.prev_events).to.deep.equal([page[n]?.eventId])
    })
  })

  it('lets nobody act after a ban that was decided before, though neither was durable yet', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    await graph.append(roomId, [member(bob, bob, 'join')])
    const [, late] = await Promise.all([
      graph.append(roomId, [member(alice, bob, 'ban')]),
      refusal(graph.append(roomId, [message(bob, 'still here?')])),
    ])
    expect(late).to.equal('M_FORBIDDEN')
  })

  it('prunes what a redaction names, in memory, on disk and in the state', async () => {
    const opened = await open()
    const graph = graphOver(opened)
    const roomId = await publicRoom(graph, alice)
    const topic: Template = { type: 'm.room.topic', stateKey: '', sender: alice, content: { topic: 'secret' } }
    const target = (await graph.append(roomId, [topic])).eventIds[0]
    await graph.append(roomId, [{ type: 'm.room.redaction', sender: alice, content: { redacts: target ?? '', reason: 'why not' } }])
    const room = await graph.room(roomId)
    expect(room?.state('m.room.topic', '')?.pdu.content).to.deep.equal({})
    const again = graphOver(opened, 7)
    const event = target === undefined ? undefined : await again.event(target)
    expect(event?.pdu.content).to.deep.equal({})
    expect(event?.redactedBecause?.content['reason']).to.equal('why not')
  })

  it('lets nobody redact the events of others without the power to', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    await graph.append(roomId, [member(bob, bob, 'join')])
    const target = (await graph.append(roomId, [message(alice, 'mine')])).eventIds[0] ?? ''
    const redaction = (sender: typeof alice): Template => ({ type: 'm.room.redaction', sender, content: { redacts: target } })
    expect(await refusal(graph.append(roomId, [redaction(bob)]))).to.equal('M_FORBIDDEN')
    expect((await graph.event(target as `$${string}`))?.redactedBy).to.equal(undefined)
    await graph.append(roomId, [redaction(alice)])
    expect((await graph.event(target as `$${string}`))?.redactedBy).to.be.a('string')
  })

  for (const version of ['1', '2', '3', '6', '10', '11', '12']) {
    it(`makes and fills rooms of version ${version}, also when it has not seen their last events itself`, async () => {
      const opened = await open()
      const roomId = await publicRoom(graphOver(opened), alice, [], version)
      const graph = graphOver(opened)
      await graph.append(roomId, [member(bob, bob, 'join'), message(bob, 'hello')])
      const again = graphOver(opened)
      const [eventId] = (await again.append(roomId, [message(bob, 'again')])).eventIds
      const room = await again.room(roomId)
      expect(room?.joined.size).to.equal(2)
      expect(roomId.includes(':')).to.equal(version !== '12')
      const rules = roomRules(version)!
      const [before] = (await again.page(roomId, { depth: 1e9, order: 0 }, 'b', 2)).slice(1)
      const reference = referenceOf(before!.eventId, before!.pdu, rules)
      const { pdu } = (await again.event(eventId!))!
      expect(pdu.prev_events).to.deep.equal([reference])
      expect(checkPduShape(pdu, rules)).to.deep.equal({ allowed: true })
    })
  }
})
