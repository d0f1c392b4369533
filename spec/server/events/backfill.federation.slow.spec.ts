import { expect } from 'chai'
import type { EventId, RoomId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import type { Peer } from '../../support/peer.ts'
import { code, forEachScene, idsOf, isWhole, words } from '../../support/peers/asked-by-peers.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'

forEachScene('history that another server asks for', (scene) => {
  const ask = (peer: Peer, roomId: RoomId, from: readonly string[], limit: number | string | undefined) => {
    const query = new URLSearchParams(from.map((eventId): [string, string] => ['v', eventId]))
    if (limit !== undefined) query.set('limit', String(limit))
    return peer.ask(scene.server, 'GET', `/_matrix/federation/v1/backfill/${roomId}?${query}`)
  }
  const say = async (roomId: RoomId, count: number) => {
    const said: EventId[] = []
    for (let n = 0; n < count; n++) said.push(await scene.say(roomId, `${n}`))
    return said
  }

  it('begins with the events that it names, the newest first, and has as many as it asks for', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const said = await say(roomId, 6)
    const { status, body } = await ask(near, roomId, [said[4]!], 3)
    expect(status).to.equal(200)
    expect(body).to.have.all.keys('origin', 'origin_server_ts', 'pdus')
    expect(idsOf(body.pdus)).to.deep.equal([said[4], said[3], said[2]])
    const all = (await ask(near, roomId, [said[1]!, said[5]!, said[1]!], 100)).body.pdus
    expect(idsOf(all).slice(0, 6)).to.deep.equal(said.toReversed())
    expect(all.at(-1).type).to.equal('m.room.create')
    expect(new Set(idsOf(all)).size).to.equal(all.length)
    expect((await ask(near, roomId, [said[5]!], 0)).body.pdus).to.deep.equal([])
    expect((await ask(near, roomId, ['$nothing'], 10)).body.pdus).to.deep.equal([])
  })

  it('has no more than a hundred events', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const said = await say(roomId, 101)
    for (const limit of [100, 101, 999_999]) expect((await ask(near, roomId, [said.at(-1)!], limit)).body.pdus).to.have.length(100)
  })

  it('is redacted where it was not visible to it', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom('joined')
    const before = await scene.say(roomId, 'canary')
    await setMembership(server, near, roomId, 'join')
    const after = await scene.say(roomId, 'after')
    const { text, body } = await ask(near, roomId, [after], 3)
    expect(text).to.not.include('canary')
    expect(idsOf(body.pdus)[2]).to.equal(before)
    expect(body.pdus.map((pdu: Pdu) => isWhole(pdu))).to.deep.equal([true, true, false])
  })

  it('holds nothing of other rooms, whatever is asked for together', async () => {
    const { server, near } = scene
    const [mine, other] = [await scene.makeRoom(), await scene.makeRoom('world_readable')]
    await setMembership(server, near, mine, 'join')
    const [own, elsewhere] = [await scene.say(mine, 'x'), await scene.say(other, 'canary')]
    const { text, body } = await ask(near, mine, [own, elsewhere], 100)
    expect(text).to.not.include('canary')
    expect(body.pdus.every((pdu: Pdu) => pdu.type === 'm.room.create' || pdu.room_id === mine)).to.equal(true)
  })

  it('is refused alike for rooms that are not here, that it is not in, and that deny it', async () => {
    const { server, near } = scene
    const nowhere = await ask(near, '!nowhere', ['$nothing'], 10)
    expect(code(nowhere)).to.deep.equal([403, 'M_FORBIDDEN'])
    const open = await scene.makeRoom('world_readable')
    expect(words(await ask(near, open, [await scene.say(open, 'x')], 10))).to.equal(words(nowhere))
    await setMembership(server, near, open, 'join')
    await scene.set(open, 'm.room.server_acl', { allow: ['*'], deny: ['localhost'] })
    expect(words(await ask(near, open, [await scene.say(open, 'x')], 10))).to.equal(words(nowhere))
  })

  it('is refused to odd questions', async () => {
    const roomId = await scene.makeRoom()
    expect(code(await ask(scene.near, roomId, [], 10))).to.deep.equal([400, 'M_MISSING_PARAM'])
    expect(code(await ask(scene.near, roomId, ['$x'], undefined))).to.deep.equal([400, 'M_MISSING_PARAM'])
    for (const limit of ['-1', 'many', '1.5'])
      expect(code(await ask(scene.near, roomId, ['$x'], limit))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(code(await ask(scene.near, roomId, ['x'], 10))).to.deep.equal([400, 'M_INVALID_PARAM'])
  })
})

forEachScene('events that another server is missing', (scene) => {
  const ask = (peer: Peer, roomId: RoomId, content: JsonObject) =>
    peer.ask(scene.server, 'POST', `/_matrix/federation/v1/get_missing_events/${roomId}`, content)

  for (const visibility of ['world_readable', 'shared', 'invited', 'joined']) {
    it(`are those between, the oldest first, as the history was ${visibility}`, async () => {
      const { server, near, alice } = scene
      const roomId = await scene.makeRoom(visibility)
      await scene.say(roomId, 'canary')
      const bob = await setMembership(server, near, roomId, 'join')
      const [create, join] = [await scene.standing(roomId, 'm.room.create'), await scene.standing(roomId, 'm.room.member', bob)]
      const { body, text } = await ask(near, roomId, { earliest_events: [create], latest_events: [join], limit: 10, min_depth: 1 })
      expect(body).to.have.all.keys('events')
      expect(body.events.map(({ type, state_key }: Pdu) => [type, state_key])).to.deep.equal([
        ['m.room.member', alice.userId],
        ['m.room.power_levels', ''],
        ['m.room.join_rules', ''],
        ['m.room.history_visibility', ''],
        ['m.room.message', undefined],
      ])
      const isOpen = visibility === 'world_readable' || visibility === 'shared'
      expect(isWhole(body.events.at(-1))).to.equal(isOpen)
      expect(text.includes('canary')).to.equal(isOpen)
    })
  }

  it('are no more than it asks for, nor than twenty, and none below its depth', async () => {
    const { server, near } = scene
    const roomId = await scene.makeRoom()
    await setMembership(server, near, roomId, 'join')
    const said: EventId[] = []
    for (let n = 0; n < 30; n++) said.push(await scene.say(roomId, `${n}`))
    const asked = { earliest_events: [], latest_events: [said[29]!] }
    const ids = async (more: JsonObject) => idsOf((await ask(near, roomId, { ...asked, ...more })).body.events)
    expect(await ids({})).to.deep.equal(said.slice(19, 29))
    expect(await ids({ limit: 3 })).to.deep.equal(said.slice(26, 29))
    expect(await ids({ limit: 1000 })).to.deep.equal(said.slice(9, 29))
    expect(await ids({ limit: 0 })).to.deep.equal([])
    expect(await ids({ earliest_events: [said[25]!] })).to.deep.equal(said.slice(26, 29))
    expect(await ids({ earliest_events: [said[29]!] })).to.deep.equal([])
    expect(await ids({ latest_events: ['$nothing'] })).to.deep.equal([])
    const { depth } = (await ask(near, roomId, { ...asked, limit: 2 })).body.events[0]
    expect(await ids({ min_depth: depth })).to.deep.equal(said.slice(27, 29))
    expect(await ids({ min_depth: depth + 100 })).to.deep.equal([])
  })

  it('are refused alike for rooms that are not here and that it is not in, and to odd questions', async () => {
    const { server, near } = scene
    const asked = { earliest_events: [], latest_events: ['$x'] }
    const nowhere = await ask(near, '!nowhere', asked)
    expect(code(nowhere)).to.deep.equal([403, 'M_FORBIDDEN'])
    const roomId = await scene.makeRoom('world_readable')
    const eventId = await scene.say(roomId, 'x')
    expect(words(await ask(near, roomId, { ...asked, latest_events: [eventId] }))).to.equal(words(nowhere))
    await setMembership(server, near, roomId, 'join')
    const elsewhere = await scene.say(await scene.makeRoom('world_readable'), 'canary')
    expect((await ask(near, roomId, { ...asked, latest_events: [elsewhere] })).body).to.deep.equal({ events: [] })
    for (const odd of [
      { latest_events: '$x' },
      { latest_events: [7] },
      { earliest_events: {} },
      { limit: 'many' },
      { limit: -1 },
      { min_depth: [] },
    ]) {
      expect((await ask(near, roomId, { ...asked, ...odd })).status, JSON.stringify(odd)).to.equal(400)
    }
  })
})
