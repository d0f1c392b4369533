import { expect } from 'chai'
import { referenceHash } from '../../../../server/core/hashes.ts'
import type { EventId } from '../../../../server/core/ids.ts'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { pduOf, type Side, startTwoServers, type TwoServers } from './two-servers.ts'

for (const version of ['1', '2', '3', '4', '5']) {
  const rules = roomRules(version)!
  describe(`a room of version ${version} on two servers`, () => {
    let town: TwoServers
    before(async () => {
      town = await startTwoServers(version, { bob: 50 })
    })
    after(() => town.close())

    const become = (result: ReadonlyMap<string, unknown>) => [...result.values()]
    let count = 0
    const redact = ({ user }: Side, target: string) => user.put(`/rooms/${town.room}/redact/${encodeURIComponent(target)}/r${count++}`, {})
    const content = async ({ user }: Side, eventId: string): Promise<JsonObject> =>
      (await user.get(`/rooms/${town.room}/event/${encodeURIComponent(eventId)}`)).body.content

    it('is the same to both once one has joined it', async () => {
      const { alice, bob, state } = town
      expect(await state(bob)).to.deep.equal(await state(alice))
      expect(Object.keys(await state(bob))).to.include(`m.room.member ${bob.user.userId}`)
      const create = await alice.user.get(`/rooms/${town.room}/state/m.room.create/`)
      expect(create.body).to.deep.equal({ room_version: version, creator: alice.user.userId })
    })

    it('names its events, and cites others, as its version has it', async () => {
      const { alice, bob, say, carry } = town
      const first = await say(alice, 'one')
      expect(become(await carry(alice, first))).to.deep.equal(['accepted'])
      const second = await say(bob, 'two')
      const pdu = await pduOf(bob, second)
      const citedOf = (eventId: string, cited: JsonObject) =>
        rules.eventIds === 'wire' ? [eventId, { sha256: referenceHash(cited as unknown as Pdu, rules) }] : eventId
      expect(pdu['prev_events']).to.deep.equal([citedOf(first, await pduOf(alice, first))])
      const levels = (await town.state(bob))['m.room.power_levels '] as string
      expect(pdu['auth_events']).to.deep.include(citedOf(levels, await pduOf(alice, levels)))
      const grammar = {
        wire: new RegExp(`^\\$[A-Za-z0-9_-]{24}:${bob.name}$`),
        base64: /^\$[A-Za-z0-9+/]{43}$/,
        base64url: /^\$[A-Za-z0-9_-]{43}$/,
      }
      expect(second).to.match(grammar[rules.eventIds])
      expect(pdu['event_id']).to.equal(rules.eventIds === 'wire' ? second : undefined)
      expect(become(await carry(bob, second))).to.deep.equal(['accepted'])
      const shown = (await alice.user.get(`/rooms/${town.room}/event/${encodeURIComponent(second)}`)).body
      expect(shown).to.include({ event_id: second, sender: bob.user.userId, room_id: town.room })
      expect(shown).to.not.have.any.keys('auth_events', 'prev_events', 'origin', 'hashes')
    })

    it('has what was said redacted by its sender and by whoever has the power, on both servers, by nobody else', async () => {
      const { alice, bob, say, carry } = town
      const carol = await bob.server.register('carol')
      await carol.post(`/join/${town.room}`, {})
      const join = await carol.get(`/rooms/${town.room}/state/m.room.member/${carol.userId}?format=event`)
      const [mine, yours] = [await say(alice, 'mine'), await say(bob, 'yours')]
      await carry(alice, mine)
      await carry(bob, join.body.event_id, yours)
      for (const target of [mine, yours]) expect((await redact({ ...bob, user: carol }, target)).status).to.equal(403)
      expect(await content(bob, mine)).to.include({ body: 'mine' })
      const own = await redact(bob, yours)
      expect(own.status, own.text).to.equal(200)
      expect(become(await carry(bob, own.body.event_id))).to.deep.equal(['accepted'])
      const powerful = await redact(bob, mine)
      expect(become(await carry(bob, powerful.body.event_id))).to.deep.equal(['accepted'])
      for (const side of [alice, bob]) for (const eventId of [mine, yours]) expect(await content(side, eventId)).to.deep.equal({})
    })

    it('comes to one state where both have changed it at once', async () => {
      const { alice, bob, setState, say, carry, state } = town
      const ours = await setState(alice, 'm.room.topic', '', { topic: 'ours' })
      const theirs = await setState(bob, 'm.room.topic', '', { topic: 'theirs' })
      expect(become(await carry(alice, ours))).to.deep.equal(['accepted'])
      expect(become(await carry(bob, theirs))).to.deep.equal(['accepted'])
      expect(await state(alice)).to.deep.equal(await state(bob))
      const joining = await say(alice, 'both')
      expect((await pduOf(alice, joining))['prev_events']).to.have.length(2)
      expect(become(await carry(alice, joining))).to.deep.equal(['accepted'])
      expect(await state(alice)).to.deep.equal(await state(bob))
    })

    it('gives what one has missed to who asks for it', async () => {
      const { alice, bob, say, carry, sees } = town
      await say(alice, 'missed')
      await say(alice, 'missed too')
      const last = await say(alice, 'caught up')
      expect(become(await carry(alice, last))).to.deep.equal(['accepted'])
      expect((await sees(bob)).slice(-3)).to.deep.equal(['missed', 'missed too', 'caught up'])
      expect(await town.state(alice)).to.deep.equal(await town.state(bob))
    })

    it('is left by who was invited, and joined by others', async () => {
      const { alice, bob, carry, state } = town
      const dave = await bob.server.register('dave')
      const erin = await alice.server.register('erin')
      expect((await alice.user.post(`/rooms/${town.room}/invite`, { user_id: dave.userId })).status).to.equal(200)
      const invite = (await state(alice))[`m.room.member ${dave.userId}`] as EventId
      expect(become(await carry(alice, invite))).to.deep.equal(['accepted'])
      expect((await dave.post(`/rooms/${town.room}/leave`, {})).status).to.equal(200)
      const left = (await state(bob))[`m.room.member ${dave.userId}`] as EventId
      expect(become(await carry(bob, left))).to.deep.equal(['accepted'])
      expect(await content(alice, left)).to.deep.equal({ membership: 'leave' })
      expect((await erin.post(`/join/${town.room}`, {})).status).to.equal(200)
      const membership = (await alice.server.server.graph.room(town.room))?.membership(erin.userId)
      expect(membership).to.equal('join')
      const joined = (await state(alice))[`m.room.member ${erin.userId}`] as EventId
      expect(become(await carry(alice, joined))).to.deep.equal(['accepted'])
    })

    it('holds no number in its new events that others would spell in another way', async () => {
      const sent = await town.alice.user.put(`/rooms/${town.room}/send/m.room.message/float`, { msgtype: 'm.text', body: 'x', part: 0.5 })
      expect([sent.status, sent.body.errcode]).to.deep.equal([400, 'M_BAD_JSON'])
    })
  })
}
