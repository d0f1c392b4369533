import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import type { Peer } from '../../support/peer.ts'
import { code, forEachScene, idsOf, isWhole, type Scene, words } from '../../support/peers/asked-by-peers.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'

const forbidden = [403, 'M_FORBIDDEN']
const notFound = [404, 'M_NOT_FOUND']
const wide = ['world_readable', 'shared', 'invited', 'joined']

forEachScene('an event that another server asks for', (scene) => {
  const ask = (peer: Peer, eventId: EventId) => peer.ask(scene.server, 'GET', `/_matrix/federation/v1/event/${encodeURIComponent(eventId)}`)
  const shown = async (peer: Peer, eventId: EventId) => {
    const { status, body } = await ask(peer, eventId)
    return status === 200 ? (isWhole(body.pdus[0]) ? 'whole' : 'redacted') : status
  }

  it('comes as a transaction of its own, as it was signed', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const eventId = await scene.say(roomId, 'hello ✨')
    const { status, body } = await ask(near, eventId)
    expect(status).to.equal(200)
    expect(body).to.have.all.keys('origin', 'origin_server_ts', 'pdus')
    expect(body.origin).to.equal('hs.test')
    expect(body.origin_server_ts).to.be.a('number')
    expect(body.pdus).to.have.length(1)
    expect(idsOf(body.pdus)).to.deep.equal([eventId])
    expect(isWhole(body.pdus[0])).to.equal(true)
    expect(body.pdus[0].content.body).to.equal('hello ✨')
    expect(body.pdus[0]).to.not.have.any.keys('event_id', 'unsigned')
  })

  it('is whole or redacted, as the history was visible when it was sent', async () => {
    const { server, near } = scene
    for (const [visibility, expected] of [
      ['world_readable', 'whole'],
      ['shared', 'whole'],
      ['invited', 'redacted'],
      ['joined', 'redacted'],
    ] as const) {
      const roomId = await scene.makeRoom(visibility)
      const before = await scene.say(roomId, 'before')
      await setMembership(server, near, roomId, 'join')
      const after = await scene.say(roomId, 'after')
      // What is said now does not open what was said then.
      await scene.set(roomId, 'm.room.history_visibility', { history_visibility: 'world_readable' })
      expect(await shown(near, before), visibility).to.equal(expected)
      expect(await shown(near, after), visibility).to.equal('whole')
    }
  })

  it('is whole from the invite on where the invited may see it, once somebody came', async () => {
    const { server, alice, near } = scene
    for (const visibility of ['invited', 'joined']) {
      const roomId = await scene.makeRoom(visibility)
      const early = await scene.say(roomId, 'early')
      const userId = `@bob:${near.serverName}` as const
      await server.server.graph.append(roomId, [
        { type: 'm.room.member', stateKey: userId, sender: alice.userId, content: { membership: 'invite' } },
      ])
      const meanwhile = await scene.say(roomId, 'meanwhile')
      for (const eventId of [early, meanwhile]) expect(await shown(near, eventId)).to.equal(404)
      await setMembership(server, near, roomId, 'join')
      expect(await shown(near, early)).to.equal('redacted')
      expect(await shown(near, meanwhile)).to.equal(visibility === 'invited' ? 'whole' : 'redacted')
    }
  })

  it('is told to a server that has nobody in the room as one that is not there', async () => {
    const { near } = scene
    const none = await ask(near, '$nothing')
    expect(code(none)).to.deep.equal(notFound)
    for (const visibility of wide) {
      const eventId = await scene.say(await scene.makeRoom(visibility), 'canary')
      const answer = await ask(near, eventId)
      if (visibility === 'world_readable') expect(answer.body.pdus[0].content.body).to.equal('canary')
      else expect(words(answer), visibility).to.equal(words(none))
    }
    expect(code(await near.ask(scene.server, 'GET', '/_matrix/federation/v1/event/nothing'))).to.deep.equal([400, 'M_INVALID_PARAM'])
  })

  it('is open to a server that has left if it was sent while it was there', async () => {
    const { server, near } = scene
    for (const visibility of ['shared', 'joined']) {
      const roomId = await scene.makeRoom(visibility)
      const before = await scene.say(roomId, 'before')
      await setMembership(server, near, roomId, 'join')
      const during = await scene.say(roomId, 'during')
      await setMembership(server, near, roomId, 'leave')
      const after = await scene.say(roomId, 'after')
      expect([await shown(near, before), await shown(near, during), await shown(near, after)]).to.deep.equal([404, 'whole', 404])
      await setMembership(server, near, roomId, 'join', 'carol')
      expect(await shown(near, after)).to.equal(visibility === 'shared' ? 'whole' : 'redacted')
      expect(await shown(near, during)).to.equal('whole')
    }
  })

  it('is open if it changes the visibility, and either side of that is', async () => {
    const roomId = await scene.makeRoom('world_readable')
    const change = async (history_visibility: string) =>
      shown(scene.near, await scene.set(roomId, 'm.room.history_visibility', { history_visibility }))
    expect([await change('joined'), await change('shared'), await change('world_readable')]).to.deep.equal(['whole', 404, 'whole'])
  })

  it('is open as long as it stands in the state that whoever came was given', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom('joined')
    const topic = await scene.set(roomId, 'm.room.topic', { topic: 'first' })
    await setMembership(server, near, roomId, 'join')
    expect(await shown(near, topic)).to.equal('whole')
    await scene.set(roomId, 'm.room.topic', { topic: 'second' })
    expect(await shown(near, topic)).to.equal('redacted')
  })

  it('is open to a server where it tells of the coming and going of its own users', async () => {
    const { server, alice, near, far } = scene
    const roomId = await scene.makeRoom('joined')
    await setMembership(server, far, roomId, 'join')
    const bob = await setMembership(server, near, roomId, 'join')
    await alice.post(`/rooms/${roomId}/kick`, { user_id: bob })
    const kick = await scene.standing(roomId, 'm.room.member', bob)
    await alice.post(`/rooms/${roomId}/ban`, { user_id: bob })
    const ban = await scene.standing(roomId, 'm.room.member', bob)
    expect([await shown(near, kick), await shown(near, ban)]).to.deep.equal(['whole', 404])
    expect([await shown(far, kick), await shown(far, ban)]).to.deep.equal(['whole', 'whole'])
  })

  it('is closed to a server that the room denies', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom('world_readable')
    await setMembership(server, near, roomId, 'join')
    const eventId = await scene.say(roomId, 'canary')
    expect(await shown(near, eventId)).to.equal('whole')
    await scene.set(roomId, 'm.room.server_acl', { allow: ['*'], deny: ['localhost'] })
    expect(words(await ask(near, eventId))).to.equal(words(await ask(near, '$nothing')))
  })

  it('is redacted for who came after its sender had everything erased', async () => {
    const { server, near, far } = scene
    const roomId = await scene.makeRoom()
    const gone = await server.register(
      `gone${roomId
        .slice(1, 9)
        .toLowerCase()
        .replace(/[^a-z0-9]/g, '')}`,
    )
    await gone.post(`/join/${roomId}`)
    await setMembership(server, near, roomId, 'join')
    const { event_id } = (await gone.put(`/rooms/${roomId}/send/m.room.message/1`, { msgtype: 'm.text', body: 'canary' })).body
    await setMembership(server, far, roomId, 'join')
    expect([await shown(near, event_id), await shown(far, event_id)]).to.deep.equal(['whole', 'whole'])
    await server.server.graph.erase(gone.userId)
    expect([await shown(near, event_id), await shown(far, event_id)]).to.deep.equal(['whole', 'redacted'])
  })

  it('stays redacted when it was', async () => {
    const { server, alice, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const eventId = await scene.say(roomId, 'canary')
    await alice.put(`/rooms/${roomId}/redact/${eventId}/r`, {})
    const { body } = await ask(near, eventId)
    expect(body.pdus[0].content).to.deep.equal({})
    expect(idsOf(body.pdus)).to.deep.equal([eventId])
  })
})

forEachScene('a state that another server asks for', (scene) => {
  const ask = (peer: Peer, roomId: RoomId, eventId: string, kind = 'state') =>
    peer.ask(scene.server, 'GET', `/_matrix/federation/v1/${kind}/${roomId}?event_id=${encodeURIComponent(eventId)}`)
  const typesOf = (pdus: readonly Pdu[]) => pdus.map(({ type, state_key }) => `${type} ${state_key}`)

  it('is what stood before the event, with all that authorises it, whole or by ids', async () => {
    const { server, near, alice } = scene
    const roomId = await scene.makeRoom()
    const bob = await setMembership(server, near, roomId, 'join')
    const first = await scene.set(roomId, 'm.room.topic', { topic: 'first' })
    const second = await scene.set(roomId, 'm.room.topic', { topic: 'second' })
    const message = await scene.say(roomId, 'x')
    const usual = ['m.room.create ', `m.room.member ${alice.userId}`, 'm.room.power_levels ', 'm.room.join_rules ']
    const all = [...usual, 'm.room.history_visibility ', `m.room.member ${bob}`]
    for (const [eventId, topic] of [
      [first, undefined],
      [second, first],
      [message, second],
    ] as const) {
      const { status, body } = await ask(near, roomId, eventId)
      expect(status).to.equal(200)
      const expected = topic === undefined ? all : [...all, 'm.room.topic ']
      expect(typesOf(body.pdus)).to.have.members(expected).and.have.length(expected.length)
      expect(idsOf(body.pdus).includes(second)).to.equal(topic === second)
      if (topic !== undefined) expect(idsOf(body.pdus)).to.include(topic)
      expect(body.pdus.every((pdu: Pdu) => isWhole(pdu))).to.equal(true)
      const cited = [...body.pdus, ...body.auth_chain].flatMap((pdu: Pdu) => pdu.auth_events)
      // The creation is cited by the room id.
      expect(idsOf(body.auth_chain)).to.have.members([...new Set([...cited, `$${roomId.slice(1)}`])])
      const ids = (await ask(near, roomId, eventId, 'state_ids')).body
      expect(ids.pdu_ids).to.have.members(idsOf(body.pdus)).and.have.length(body.pdus.length)
      expect(ids.auth_chain_ids).to.have.members(idsOf(body.auth_chain)).and.have.length(body.auth_chain.length)
    }
  })

  it('shows the past before it came as little as the history does, but for what it was given when it came', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom('joined')
    await scene.set(roomId, 'm.room.topic', { topic: 'canary' })
    await scene.set(roomId, 'm.room.name', { name: 'the same' })
    const then = await scene.say(roomId, 'x')
    await scene.set(roomId, 'm.room.topic', { topic: 'another' })
    await setMembership(server, near, roomId, 'join')
    const now = await scene.say(roomId, 'x')
    const past = await ask(near, roomId, then)
    expect(past.text).to.not.include('canary')
    expect(past.text).to.include('the same')
    const redacted = past.body.pdus.filter((pdu: Pdu) => !isWhole(pdu))
    expect(typesOf(redacted)).to.deep.equal(['m.room.topic '])
    expect((await ask(near, roomId, now)).body.pdus.every((pdu: Pdu) => isWhole(pdu))).to.equal(true)
  })

  it('arrives whole where it is too long to be held at once', async () => {
    const { server, alice, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const content = { text: 'x'.repeat(60_000) }
    const long = Array.from({ length: 150 }, (_, n) => ({ type: 'org.test', stateKey: `${n}`, sender: alice.userId, content }))
    await server.server.graph.append(roomId, long)
    const message = await scene.say(roomId, 'x')
    const [{ status, text, body }, again] = await Promise.all([ask(near, roomId, message), ask(near, roomId, message)])
    expect(status).to.equal(200)
    expect(text.length).to.be.greaterThan(9_000_000)
    expect(again.text).to.equal(text)
    expect(body.pdus.filter(({ type }: Pdu) => type === 'org.test')).to.have.length(150)
    expect(body.pdus.every((pdu: Pdu) => isWhole(pdu))).to.equal(true)
    expect(body.auth_chain.length).to.be.greaterThan(2)
    const userId = `@carol:${scene.far.serverName}`
    const made = (await scene.far.ask(server, 'GET', `/_matrix/federation/v1/make_join/${roomId}/${userId}?ver=12`)).body
    const { pdu, eventId } = scene.far.sign(made.event, roomRules('12')!)
    const path = `send_join/${roomId}/${encodeURIComponent(eventId)}`
    const joined = await scene.far.ask(server, 'PUT', `/_matrix/federation/v2/${path}`, pdu as unknown as JsonObject)
    expect(joined.body).to.include.all.keys('event', 'state', 'auth_chain', 'servers_in_room')
    expect(joined.body.state).to.have.length(body.pdus.length)
  })

  it('forgets what was redacted since it was asked for', async () => {
    const { server, alice, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const topic = await scene.set(roomId, 'm.room.topic', { topic: 'canary' })
    const message = await scene.say(roomId, 'x')
    expect((await ask(near, roomId, message)).text).to.include('canary')
    await alice.put(`/rooms/${roomId}/redact/${topic}/r`, {})
    expect((await ask(near, roomId, message)).text).to.not.include('canary')
  })

  it('is refused alike for rooms that are not here, that it is not in, and that deny it', async () => {
    const { server, near, far } = scene
    const rooms = { open: await scene.makeRoom('world_readable'), denying: await scene.makeRoom(), left: await scene.makeRoom() }
    await setMembership(server, near, rooms.denying, 'join')
    await scene.set(rooms.denying, 'm.room.server_acl', { allow: ['elsewhere.example'] })
    await setMembership(server, near, rooms.left, 'join')
    await setMembership(server, near, rooms.left, 'leave')
    await setMembership(server, far, rooms.left, 'join')
    const left = await scene.standing(rooms.left, 'm.room.member', `@bob:${near.serverName}`)
    for (const kind of ['state', 'state_ids']) {
      const nowhere = await ask(near, '!nowhere', left, kind)
      expect(code(nowhere)).to.deep.equal(forbidden)
      for (const [name, roomId] of Object.entries(rooms)) expect(words(await ask(near, roomId, left, kind)), name).to.equal(words(nowhere))
      expect(words(await ask(near, rooms.left, '$nothing', kind))).to.equal(words(nowhere))
      expect((await ask(far, rooms.left, left, kind)).status).to.equal(200)
    }
  })

  it('is not there for an event of another room, or of none', async () => {
    const { server, near } = scene
    const [mine, other] = [await scene.makeRoom(), await scene.makeRoom('world_readable')]
    await setMembership(server, near, mine, 'join')
    const elsewhere = await scene.say(other, 'canary')
    for (const kind of ['state', 'state_ids']) {
      const none = await ask(near, mine, '$nothing', kind)
      expect(code(none)).to.deep.equal(notFound)
      expect(words(await ask(near, mine, elsewhere, kind))).to.equal(words(none))
      const odd = await near.ask(scene.server, 'GET', `/_matrix/federation/v1/${kind}/${mine}`)
      expect(code(odd)).to.deep.equal([400, 'M_MISSING_PARAM'])
      expect(code(await ask(near, mine, 'nothing', kind))).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
  })
})

forEachScene('the event closest to a moment that another server asks for', (scene: Scene) => {
  const ask = (peer: Peer, roomId: RoomId, ts: number | string, dir: string) =>
    peer.ask(scene.server, 'GET', `/_matrix/federation/v1/timestamp_to_event/${roomId}?ts=${ts}&dir=${dir}`)

  it('is one that it may see, of the rooms that it is in', async () => {
    const { server, near, far } = scene
    const roomId = await scene.makeRoom('joined')
    await scene.say(roomId, 'before')
    await setMembership(server, near, roomId, 'join')
    const own = await scene.standing(roomId, 'm.room.member', `@bob:${near.serverName}`)
    const after = await scene.say(roomId, 'after')
    const last = (await ask(near, roomId, Date.now() + 1000, 'b')).body
    expect(last).to.have.all.keys('event_id', 'origin_server_ts')
    expect(last.event_id).to.equal(after)
    // Nobody sees the beginning again but in the state that still stands.
    const create = await scene.standing(roomId, 'm.room.create')
    expect((await ask(near, roomId, 0, 'f')).body.event_id).to.equal(create)
    expect((await ask(near, roomId, last.origin_server_ts, 'f')).body.event_id).to.be.oneOf([own, after])
    expect(code(await ask(near, roomId, 0, 'b'))).to.deep.equal(notFound)
    const refusal = await ask(far, roomId, 0, 'f')
    expect(code(refusal)).to.deep.equal(forbidden)
    expect(words(await ask(far, '!nowhere', 0, 'f'))).to.equal(words(refusal))
    expect(code(await ask(near, roomId, 'soon', 'f'))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(code(await ask(near, roomId, 1, 'up'))).to.deep.equal([400, 'M_INVALID_PARAM'])
  })
})
