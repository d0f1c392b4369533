import { expect } from 'chai'
import type { JsonObject } from '../../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../../server/core/pdu.ts'
import { roomRules } from '../../../../server/core/room-versions.ts'
import { hashAndSignPdu } from '../../../../server/core/signatures.ts'
import type { Template } from '../../../../server/graph/graph.ts'
import type { TestUser } from '../../../support/server.ts'
import { answers, craft as craftIn, pduOf, type Side, startTwoServers, type TwoServers } from './two-servers.ts'

const version = '11'

describe('what other servers send, withhold and claim', () => {
  let town: TwoServers
  beforeEach(async () => {
    town = await startTwoServers(version, { bob: 0 })
  })
  afterEach(() => town.close())

  const become = (result: ReadonlyMap<string, unknown>) => [...result.values()]
  const membershipAt = async (side: Side, userId: string) =>
    (await side.server.server.graph.room(town.room))?.membership(userId as `@${string}`)

  const craft = (side: Side, template: Template, over?: Partial<UnsignedPdu>) => craftIn(side, town.room, template, over)
  const message = (user: TestUser, body: string): Template => ({
    type: 'm.room.message',
    sender: user.userId,
    content: { msgtype: 'm.text', body },
  })

  /** Somebody on Alice's server whom Bob's server knows as joined. */
  async function mallory(): Promise<{ user: TestUser; join: string }> {
    const user = await town.alice.server.register('mallory')
    await user.post(`/join/${town.room}`, {})
    const { body } = await user.get(`/rooms/${town.room}/state/m.room.member/${user.userId}?format=event`)
    await town.carry(town.alice, body.event_id)
    return { user, join: body.event_id }
  }

  it('a refused event hides nothing that it cites: a ban that comes after it bans', async () => {
    const { alice, bob, carry, setState, room } = town
    const { user, join } = await mallory()
    const before = await pduOf(alice, join)
    const ban = await setState(alice, 'm.room.member', user.userId, { membership: 'ban' })
    const { depth } = await pduOf(alice, ban)
    const { home, graph } = alice.server.server
    const auth_events = [...(before['auth_events'] as `$${string}`[]).slice(0, 2), join as `$${string}`]
    const event = {
      ...message(user, 'x'),
      room_id: room,
      auth_events,
      prev_events: [ban as `$${string}`],
      depth: Number(depth) + 1,
      origin_server_ts: 1,
    }
    const { pdu } = hashAndSignPdu(event as UnsignedPdu, roomRules(version)!, alice.name, home.signingKey)
    const end = answers(bob, 'get_missing_events', { events: [] })
    await bob.server.server.graph.receive(alice.name, room, [pdu as unknown as JsonObject])
    end()
    expect(become(await carry(alice, ban))).to.deep.equal(['accepted'])
    expect(await membershipAt(bob, user.userId)).to.equal('ban')
    expect(await graph.room(room)).not.to.equal(undefined)
  })

  it('a redaction of what its sender may not redact is told to nobody, and hides nothing', async () => {
    const { alice, bob, say, carry, sees, room } = town
    const said = await say(alice, 'stays')
    await carry(alice, said)
    const { next_batch: since } = (await alice.user.get('/sync')).body
    const redaction = await craft(bob, { type: 'm.room.redaction', sender: bob.user.userId, content: { redacts: said } })
    expect(become(await alice.server.server.graph.receive(bob.name, room, [redaction]))).to.deep.equal(['soft-failed'])
    expect(become(await carry(bob, await say(bob, 'next')))).to.deep.equal(['accepted'])
    const { timeline } = (await alice.user.get(`/sync?since=${since}`)).body.rooms.join[room]
    expect(timeline.events.map(({ type }: { type: string }) => type)).to.deep.equal(['m.room.message'])
    expect(await sees(alice)).to.deep.equal(['stays', 'next'])
  })

  it('a depth that lies puts nothing between what follows', async () => {
    const { alice, bob, say, carry, sees, room } = town
    const { user } = await mallory()
    await say(alice, 'X')
    const lie = await craft(alice, message(user, 'M'), { depth: 1 })
    expect(become(await alice.server.server.graph.receive('elsewhere', room, [lie]))).to.deep.equal(['accepted'])
    const { next_batch: since } = (await bob.user.get('/sync')).body
    await carry(alice, await say(alice, 'Y'))
    const { timeline } = (await bob.user.get(`/sync?since=${since}`)).body.rooms.join[room]
    expect(timeline.events.map((event: { content: { body: string } }) => event.content.body)).to.deep.equal(['X', 'M', 'Y'])
    expect((await sees(bob)).toSorted()).to.deep.equal(['M', 'X', 'Y'])
  })

  it('an answer about history shelves no news', async () => {
    const { alice, bob, carry, setState, sees, room } = town
    const topic = await setState(alice, 'm.room.topic', '', { topic: 'new' })
    const end = answers(bob, '/backfill/', { pdus: [await pduOf(alice, topic)] })
    await sees(bob)
    end()
    expect(become(await carry(alice, topic))).to.deep.equal(['accepted'])
    expect((await bob.user.get(`/rooms/${room}/state/m.room.topic/`)).body).to.deep.equal({ topic: 'new' })
  })

  it('what lies before what is here is no news, whatever else was asked for', async () => {
    const { alice, bob, say, carry, setState, state, room } = town
    const { next_batch: since } = (await bob.user.get('/sync')).body
    // Alice's server does not know the event that Bob's stands on, and goes on to the room's beginning.
    const mine = await say(bob, 'mine')
    await setState(alice, 'm.room.join_rules', '', { join_rule: 'invite' })
    await say(alice, 'one')
    const two = await say(alice, 'two')
    expect(become(await carry(alice, two))).to.deep.equal(['accepted'])
    expect((await bob.server.server.graph.room(room))?.extremities).to.have.members([mine, two])
    expect(await state(bob)).to.deep.equal(await state(alice))
    const { timeline } = (await bob.user.get(`/sync?since=${since}`)).body.rooms.join[room]
    const told = timeline.events.map(({ type, content }: { type: string; content: { body?: string } }) => content.body ?? type)
    expect(told).to.deep.equal(['mine', 'm.room.join_rules', 'one', 'two'])
  })

  for (const fork of [false, true]) {
    it(`who is kicked goes on reading what they saw before${fork ? ', also when the room had forked' : ''}`, async () => {
      const { alice, bob, say, carry, setState, sees } = town
      await carry(alice, await say(alice, 'early'))
      await carry(bob, await say(bob, 'mine'))
      if (fork) await say(bob, 'concurrent')
      const kick = await setState(alice, 'm.room.member', bob.user.userId, { membership: 'leave' })
      expect(become(await carry(alice, kick))).to.deep.equal(['accepted'])
      expect((await sees(bob)).slice(0, 2)).to.deep.equal(['early', 'mine'])
    })
  }

  it('a join that was refused is refused again', async () => {
    const { alice, bob, setState, room } = town
    const eve = await bob.server.register('eve')
    const join = await craftJoin(eve)
    await setState(alice, 'm.room.member', eve.userId, { membership: 'ban' })
    const uri = `/_matrix/federation/v2/send_join/${encodeURIComponent(room)}/${encodeURIComponent(join.eventId)}`
    for (let tries = 0; tries < 2; tries++) {
      const answer = await bob.server.server.home.peers.fetchJson({
        destination: alice.name,
        method: 'PUT',
        uri,
        content: join.pdu as unknown as JsonObject,
      })
      expect(answer.ok && answer.status).to.equal(403)
    }
  })

  async function craftJoin(user: TestUser) {
    const { alice, bob, room } = town
    const template = { type: 'm.room.member', stateKey: user.userId, sender: user.userId, content: { membership: 'join' } }
    const { event } = await alice.server.server.graph.propose(room, template, [bob.name])
    return hashAndSignPdu(event, roomRules(version)!, bob.name, bob.server.server.home.signingKey)
  }

  it('what was soft-failed is shown by no endpoint', async () => {
    const { alice, bob, carry, say, setState, room } = town
    const late = await say(bob, 'too late')
    await setState(alice, 'm.room.member', bob.user.userId, { membership: 'ban' })
    expect(become(await carry(bob, late))).to.deep.equal(['soft-failed'])
    for (const path of ['event', 'context']) expect((await alice.user.get(`/rooms/${room}/${path}/${late}`)).status, path).to.equal(404)
  })

  it('a user of another server may take back what another one of that server said', async () => {
    const { alice, bob, say, carry, sees } = town
    const { user } = await mallory()
    const said = await say(alice, 'said')
    await carry(alice, said)
    const redaction = await craft(alice, { type: 'm.room.redaction', sender: user.userId, content: { redacts: said } })
    expect(become(await bob.server.server.graph.receive(alice.name, town.room, [redaction]))).to.deep.equal(['accepted'])
    expect(await sees(bob)).to.deep.equal([''])
  })

  it('a room that forks many times is joined by an event that says nothing', async () => {
    const { alice, bob, room } = town
    const { user, join } = await mallory()
    const pdus = await Promise.all(
      Array.from({ length: 15 }, (_, n) =>
        craft(alice, message(user, `${n}`), { prev_events: [join as `$${string}`], origin_server_ts: n }),
      ),
    )
    await bob.server.server.graph.receive(alice.name, room, pdus)
    expect((await bob.server.server.graph.room(room))?.extremities).to.have.length(1)
  })
})

describe('many who join a room of another server at once', () => {
  it('are all in it', async () => {
    const town = await startTwoServers(version)
    try {
      const { alice, bob } = town
      const users = await Promise.all(['b1', 'b2', 'b3', 'b4'].map((name) => bob.server.register(name)))
      const room = (await alice.user.post('/createRoom', { preset: 'public_chat', room_version: version })).body.room_id
      await Promise.all(users.map((user) => user.post(`/join/${room}?via=${alice.name}`, {})))
      for (const side of [alice, bob]) {
        const view = await side.server.server.graph.room(room)
        expect(users.map(({ userId }) => view?.membership(userId))).to.deep.equal(['join', 'join', 'join', 'join'])
      }
    } finally {
      await town.close()
    }
  })
})
