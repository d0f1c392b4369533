import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import { pduOf, startTwoServers, type TwoServers } from './two-servers.ts'

for (const version of ['6', '12']) {
  describe(`receiving events of another server, in version ${version}`, () => {
    let town: TwoServers
    beforeEach(async () => {
      town = await startTwoServers(version, { bob: 50 })
    })
    afterEach(() => town.close())

    const become = (result: ReadonlyMap<EventId, unknown>) => [...result.values()]

    it('shows a message to those in the room', async () => {
      const { alice, bob, say, carry, sees } = town
      const since = (await bob.user.get('/sync')).body.next_batch
      expect(become(await carry(alice, await say(alice, 'hello')))).to.deep.equal(['accepted'])
      expect(await sees(bob)).to.deep.equal(['hello'])
      const { body } = await bob.user.get(`/sync?since=${since}`)
      const events = body.rooms.join[town.room].timeline.events.map((event: { content: { body?: string } }) => event.content.body)
      expect(events).to.deep.equal(['hello'])
    })

    it('takes an event once', async () => {
      const { alice, bob, say, carry, sees } = town
      const id = await say(alice, 'hello')
      await carry(alice, id)
      expect(become(await carry(alice, id, id))).to.deep.equal(['known'])
      expect(await sees(bob)).to.deep.equal(['hello'])
    })

    it('asks for the events in between', async () => {
      const { alice, bob, say, carry, sees } = town
      const texts = ['one', 'two', 'three', 'four']
      let last = ''
      for (const text of texts) last = await say(alice, text)
      expect(become(await carry(alice, last))).to.deep.equal(['accepted'])
      expect(await sees(bob)).to.deep.equal(texts)
    })

    it('learns the state where there is more in between than one may ask for', async () => {
      const { alice, bob, say, carry, sees, setState, state } = town
      await setState(alice, 'm.room.topic', '', { topic: 'while Bob was away' })
      for (let n = 0; n < 30; n++) await say(alice, `${n}`)
      expect(become(await carry(alice, await say(alice, 'the last')))).to.deep.equal(['accepted'])
      expect((await sees(bob)).at(-1)).to.equal('the last')
      expect(await state(bob)).to.deep.equal(await state(alice))
    })

    it('joins what both said at the same time', async () => {
      const { alice, bob, say, carry, sees, state } = town
      const [left, right] = [await say(alice, 'left'), await say(bob, 'right')]
      expect(become(await carry(alice, left))).to.deep.equal(['accepted'])
      expect(become(await carry(bob, right))).to.deep.equal(['accepted'])
      const next = await say(bob, 'both')
      expect([...((await pduOf(bob, next))['prev_events'] as string[])].sort()).to.deep.equal([left, right].sort())
      expect(become(await carry(bob, next))).to.deep.equal(['accepted'])
      expect((await sees(alice)).toSorted()).to.deep.equal(['both', 'left', 'right'])
      expect(await state(bob)).to.deep.equal(await state(alice))
    })

    it('comes to the same state on both sides when they changed it apart', async () => {
      const { alice, bob, carry, setState, state, say } = town
      const topics = [await setState(alice, 'm.room.topic', '', { topic: 'a' }), await setState(bob, 'm.room.topic', '', { topic: 'b' })]
      const name = await setState(bob, 'm.room.name', '', { name: 'n' })
      await carry(alice, topics[0] as string)
      expect(become(await carry(bob, topics[1] as string, name))).to.deep.equal(['accepted', 'accepted'])
      expect(await state(bob)).to.deep.equal(await state(alice))
      expect(become(await carry(alice, await say(alice, 'after'))).concat(become(await carry(bob, await say(bob, 'too'))))).to.deep.equal([
        'accepted',
        'accepted',
      ])
      expect(await state(bob)).to.deep.equal(await state(alice))
    })

    it('lets a ban stand against what the banned one did meanwhile', async () => {
      const { alice, bob, carry, setState, state, say, room } = town
      const topic = await setState(bob, 'm.room.topic', '', { topic: 'mine' })
      const ban = await setState(alice, 'm.room.member', bob.user.userId, { membership: 'ban' })
      expect(become(await carry(bob, topic))).to.deep.equal(['soft-failed'])
      expect(become(await carry(alice, ban))).to.deep.equal(['accepted'])
      expect(bob.server.server.graph).to.have.property('room')
      const view = await bob.server.server.graph.room(room)
      expect(view?.membership(bob.user.userId)).to.equal('ban')
      expect((await state(alice))['m.room.topic ']).to.equal(undefined)
      await say(alice, 'alone')
    })

    it('does not show what somebody sent from before their ban', async () => {
      const { alice, bob, carry, setState, say, sees } = town
      const late = await say(bob, 'too late')
      await setState(alice, 'm.room.member', bob.user.userId, { membership: 'ban' })
      expect(become(await carry(bob, late))).to.deep.equal(['soft-failed'])
      expect(await sees(alice)).to.deep.equal([])
      const since = (await alice.user.get('/sync')).body
      expect(JSON.stringify(since)).not.to.contain('too late')
    })

    it('drops what is not signed by its sender’s server, and prunes what was changed on the way', async () => {
      const { alice, bob, say, room, sees } = town
      const pdu = await pduOf(alice, await say(alice, 'mine'))
      const { graph } = bob.server.server
      const forged = await graph.receive(alice.name, room, [{ ...pdu, signatures: { [bob.name]: {} } }])
      expect([...forged]).to.deep.equal([])
      const changed = await graph.receive(alice.name, room, [{ ...pdu, content: { msgtype: 'm.text', body: 'another' } }])
      expect([...changed.values()]).to.deep.equal(['accepted'])
      expect(await sees(bob)).to.deep.equal([''])
    })

    it('goes on backwards from what a sync told, whichever way the room forked', async () => {
      const { alice, bob, carry, say, room } = town
      const aside = await say(bob, 'aside')
      for (const text of ['1', '2', '3']) await say(alice, text)
      await carry(bob, aside)
      await say(alice, '4')
      const { body } = await alice.user.get('/sync', { query: { filter: JSON.stringify({ room: { timeline: { limit: 2 } } }) } })
      const { timeline } = body.rooms.join[room]
      const textOf = ({ content }: { content: { body?: string } }) => content.body
      expect(timeline.events.map(textOf)).to.deep.equal(['aside', '4'])
      const texts: unknown[] = []
      for (let from = timeline.prev_batch; texts.length < 3; ) {
        const page = await alice.user.get(`/rooms/${room}/messages`, { query: { dir: 'b', limit: '1', from } })
        texts.push(...page.body.chunk.map(textOf))
        from = page.body.end
      }
      expect(texts).to.deep.equal(['3', '2', '1'])
    })

    it('lets one read back to the event that began the room', async () => {
      const { alice, bob, sees } = town
      expect(await sees(bob)).to.deep.equal([])
      for (const { user } of [alice, bob]) {
        const { body } = await user.get(`/rooms/${town.room}/messages?dir=b&limit=100`)
        expect(body.chunk.at(-1).type, user.userId).to.equal('m.room.create')
        expect(body.end, user.userId).to.equal(undefined)
      }
    })

    it('redacts a message by a redaction that comes after it, or before it', async () => {
      const { alice, bob, carry, say, sees, room } = town
      for (const order of ['after', 'before']) {
        const id = await say(alice, order)
        const redaction = (await alice.user.put(`/rooms/${room}/redact/${id}/${order}`, {})).body.event_id
        const ids = order === 'after' ? [id, redaction] : [redaction]
        await carry(alice, ...ids)
      }
      expect(await sees(bob)).to.deep.equal(['', ''])
    })

    it('redacts each of many messages whose redactions come right behind them', async () => {
      const { alice, bob, say, sees, room } = town
      const pdus: JsonObject[] = []
      for (const number of Array(10).keys()) {
        const id = await say(alice, `${number}`)
        pdus.push(await pduOf(alice, id))
        const redaction = (await alice.user.put(`/rooms/${room}/redact/${id}/many${number}`, {})).body.event_id
        pdus.push(await pduOf(alice, redaction))
      }
      await bob.server.server.graph.receive(alice.name, room, pdus)
      expect(await sees(bob)).to.deep.equal(Array(10).fill(''))
    })

    it('knows the thread of what comes right behind what it relates to', async () => {
      const { alice, bob, say, room } = town
      const root = await say(alice, 'root')
      const send = async (type: string, relation: JsonObject) =>
        (await alice.user.put(`/rooms/${room}/send/${type}/${randomUUID()}`, { body: 'x', msgtype: 'm.text', 'm.relates_to': relation }))
          .body.event_id
      const inThread = await send('m.room.message', { rel_type: 'm.thread', event_id: root })
      const reaction = await send('m.reaction', { rel_type: 'm.annotation', event_id: inThread, key: '👍' })
      const reply = await send('m.room.message', { 'm.in_reply_to': { event_id: reaction } })
      const ids: EventId[] = [root, inThread, reaction, reply]
      await bob.server.server.graph.receive(alice.name, room, await Promise.all(ids.map((id) => pduOf(alice, id))))
      const threads = new Map((await bob.server.server.graph.events(ids)).map(({ eventId, thread }) => [eventId, thread]))
      expect(ids.map((id) => threads.get(id))).to.deep.equal([undefined, root, root, root])
    })
  })
}
