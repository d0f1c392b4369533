import { expect } from 'chai'
import type { Template } from '../../../server/graph/graph.ts'
import { graphOver, member, message, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine } from '../../support/storage.ts'

const alice = user('alice')

/** A small generator of numbers that are the same at every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
}

forEachEngine('state of the past', (open) => {
  it('is what it was after every event of a random history, read from the logarithmic chain of groups', async () => {
    const graph = graphOver(await open())
    const roomId = await publicRoom(graph, alice)
    const next = numbers(5)
    const model = new Map<string, string>()
    const room = await graph.room(roomId)
    for (const { eventId, pdu } of await graph.stateOf(room?.stateGroup ?? '')) model.set(`${pdu.type}|${pdu.state_key}`, eventId)
    const history: { eventId: string; state: Map<string, string> }[] = []
    for (let step = 0; step < 150; step++) {
      const isState = next(4) !== 0
      const stateKey = `k${next(12)}`
      const template: Template = isState ? { type: 'x.note', stateKey, sender: alice, content: { step } } : message(alice, `${step}`)
      const eventId = (await graph.append(roomId, [template])).eventIds[0] ?? ''
      if (isState) model.set(`x.note|${stateKey}`, eventId)
      history.push({ eventId, state: new Map(model) })
    }
    for (const { eventId, state } of history) {
      const event = await graph.event(eventId as `$${string}`)
      const read = await graph.stateOf(event?.stateGroup ?? '')
      expect(Object.fromEntries(read.map((one) => [`${one.pdu.type}|${one.pdu.state_key}`, one.eventId]))).to.deep.equal(
        Object.fromEntries(state),
      )
    }
  })

  it('is loaded as it was left', async () => {
    const opened = await open()
    const graph = graphOver(opened)
    const roomId = await publicRoom(graph, alice)
    for (const name of ['bob', 'carol', 'dan']) await graph.append(roomId, [member(user(name), user(name), 'join')])
    await graph.append(roomId, [member(user('dan'), user('dan'), 'leave')])
    const again = graphOver(opened)
    const [before, after] = [await graph.room(roomId), await again.room(roomId)]
    expect([...(after?.joined ?? [])].sort()).to.deep.equal([...(before?.joined ?? [])].sort())
    expect(after?.memberCount('leave')).to.equal(1)
    expect([...(after?.allState() ?? [])].map((event) => event.eventId).sort()).to.deep.equal(
      [...(before?.allState() ?? [])].map((event) => event.eventId).sort(),
    )
    await again.append(roomId, [message(alice, 'goes on')])
  })
})

forEachEngine('history visibility', (open) => {
  it('shows a member who came late what the room shares, and one who left nothing of what came after', async () => {
    const graph = graphOver(await open())
    const bob = user('bob')
    const roomId = await publicRoom(graph, alice)
    const say = async (body: string) => (await graph.append(roomId, [message(alice, body)])).eventIds[0] ?? '$'
    const early = await say('early')
    await graph.append(roomId, [
      { type: 'm.room.history_visibility', stateKey: '', sender: alice, content: { history_visibility: 'joined' } },
    ])
    const hidden = await say('hidden')
    await graph.append(roomId, [member(bob, bob, 'join')])
    const seen = await say('seen')
    await graph.append(roomId, [member(bob, bob, 'leave')])
    const late = await say('late')
    const readable = async (ids: string[]) => {
      const events = await Promise.all(ids.map((id) => graph.event(id as `$${string}`)))
      const visible = await graph.visible(
        events.filter((event) => event !== undefined),
        bob,
      )
      return visible.map(({ event, membership }) => [event.pdu.content['body'], membership])
    }
    expect(await readable([early, hidden, seen, late])).to.deep.equal([
      ['early', 'leave'],
      ['seen', 'join'],
    ])
  })
})
