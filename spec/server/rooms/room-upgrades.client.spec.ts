import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`room upgrades on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
  })

  const makeRoom = async (version: string, more: object = {}) =>
    (await alice.post('/createRoom', { preset: 'public_chat', room_version: version, name: 'Old', ...more })).body.room_id as string
  const upgrade = (user: TestUser, roomId: string, new_version: string, more: object = {}) =>
    user.post(`/rooms/${roomId}/upgrade`, { new_version, ...more })
  const state = async (roomId: string, type: string, key = '') => (await alice.get(`/rooms/${roomId}/state/${type}/${key}`)).body
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  for (const [from, to] of [
    ['6', '10'],
    ['10', '11'],
    ['11', '12'],
    ['12', '12'],
    ['12', '11'],
  ] as const) {
    it(`from ${from} to ${to} carry state and bans over, and close the old room`, async () => {
      const old = await makeRoom(from, { topic: 'T', initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'a' } }] })
      await bob.post(`/join/${old}`)
      const banned = await server.register(`banned${people}`)
      await alice.post(`/rooms/${old}/ban`, { user_id: banned.userId, reason: 'spam' })
      const levels = await state(old, 'm.room.power_levels')
      await alice.put(`/rooms/${old}/state/m.room.power_levels`, { ...levels, users: { ...levels.users, [bob.userId]: 50 } })
      const { status, body } = await upgrade(alice, old, to)
      expect(status).to.equal(200)
      const replacement = body.replacement_room
      expect(await state(old, 'm.room.tombstone')).to.include({ replacement_room: replacement })
      expect(await state(old, 'm.room.power_levels')).to.include({ events_default: 50, invite: 50 })
      const create = await state(replacement, 'm.room.create')
      expect([create.room_version, create.predecessor.room_id]).to.deep.equal([to, old])
      for (const type of ['m.room.name', 'm.room.topic', 'm.room.encryption', 'm.room.join_rules', 'm.room.history_visibility']) {
        expect(await state(replacement, type), type).to.deep.equal(await state(old, type))
      }
      expect(await state(replacement, 'm.room.member', banned.userId)).to.include({ membership: 'ban', reason: 'spam' })
      const after = await state(replacement, 'm.room.power_levels')
      expect(after.users).to.deep.equal(to === '12' ? { [bob.userId]: 50 } : { [alice.userId]: 100, [bob.userId]: 50 })
      expect(after.events_default).to.equal(0)
      if (to === '12') expect(after.events['m.room.tombstone']).to.equal(150)
      expect((await bob.post(`/join/${replacement}`)).status).to.equal(200)
      const eve = await server.register(`eve${people}`)
      await eve.post(`/join/${old}`)
      const shut = await eve.put(`/rooms/${old}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' })
      expect(code(shut)).to.deep.equal([403, 'M_FORBIDDEN'])
    })
  }

  it('move aliases, the canonical alias and the kind of the room', async () => {
    const name = `room${people}`
    const old = await makeRoom('11', { room_alias_name: name, creation_content: { type: 'm.space' } })
    const second = `#second${people}:hs.test`
    await alice.put(`/directory/room/${encodeURIComponent(second)}`, { room_id: old })
    await alice.put(`/rooms/${old}/state/m.space.child/!child:hs.test`, { via: ['hs.test'] })
    const { replacement_room: replacement } = (await upgrade(alice, old, '12')).body
    for (const alias of [`#${name}:hs.test`, second]) {
      const { body } = await bob.get(`/directory/room/${encodeURIComponent(alias)}`)
      expect(body.room_id, alias).to.equal(replacement)
    }
    expect(await state(replacement, 'm.room.canonical_alias')).to.deep.equal({ alias: `#${name}:hs.test` })
    expect(await state(old, 'm.room.canonical_alias')).to.deep.equal({})
    expect((await state(replacement, 'm.room.create')).type).to.equal('m.space')
    expect(await state(replacement, 'm.space.child', '!child:hs.test')).to.deep.equal({ via: ['hs.test'] })
  })

  it('name additional creators where the version has them, and strip them from the power levels', async () => {
    const old = await makeRoom('11', { power_level_content_override: { users: { [alice.userId]: 100, [bob.userId]: 100 } } })
    const bad = await upgrade(alice, old, '12', { additional_creators: ['bob'] })
    expect(code(bad)).to.deep.equal([400, 'M_INVALID_PARAM'])
    const { replacement_room: replacement } = (await upgrade(alice, old, '12', { additional_creators: [bob.userId] })).body
    expect((await state(replacement, 'm.room.create')).additional_creators).to.deep.equal([bob.userId])
    expect((await state(replacement, 'm.room.power_levels')).users).to.deep.equal({})
    const { replacement_room: third } = (await upgrade(alice, replacement, '12')).body
    expect(await state(third, 'm.room.create')).to.not.have.property('additional_creators')
    const ignored = await upgrade(alice, third, '11', { additional_creators: [bob.userId] })
    expect(await state(ignored.body.replacement_room, 'm.room.create')).to.not.have.property('additional_creators')
  })

  it('are for those who may send a tombstone, to versions that there are', async () => {
    const old = await makeRoom('11')
    expect(code(await upgrade(bob, old, '12'))).to.deep.equal([403, 'M_FORBIDDEN'])
    await bob.post(`/join/${old}`)
    expect(code(await upgrade(bob, old, '12'))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await upgrade(alice, old, '99'))).to.deep.equal([400, 'M_UNSUPPORTED_ROOM_VERSION'])
    expect(code(await alice.post(`/rooms/${old}/upgrade`, {}))).to.deep.equal([400, 'M_MISSING_PARAM'])
    expect(code(await upgrade(alice, '!nothing:hs.test', '12'))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect((await alice.get(`/rooms/${old}/state/m.room.tombstone`)).status).to.equal(404)
  })

  it('work for somebody whose power suffices for the tombstone alone', async () => {
    const old = await makeRoom('11', { power_level_content_override: { events: { 'm.room.tombstone': 50, 'm.room.power_levels': 100 } } })
    const levels = await state(old, 'm.room.power_levels')
    await alice.put(`/rooms/${old}/state/m.room.power_levels`, { ...levels, users: { ...levels.users, [bob.userId]: 50 } })
    await bob.post(`/join/${old}`)
    const { status, body } = await upgrade(bob, old, '11')
    expect(status).to.equal(200)
    await alice.post(`/join/${body.replacement_room}`)
    expect((await state(body.replacement_room, 'm.room.power_levels')).users).to.deep.equal({ [alice.userId]: 100, [bob.userId]: 50 })
    expect(await state(old, 'm.room.power_levels')).to.include({ events_default: 0 })
  })

  it('take push rules along: of who upgrades at once, of others when they join', async () => {
    const old = await makeRoom('11')
    await bob.post(`/join/${old}`)
    for (const user of [alice, bob]) {
      await user.put(`/pushrules/global/room/${encodeURIComponent(old)}`, { actions: [] })
      const conditions = [{ kind: 'event_match', key: 'room_id', pattern: old }]
      await user.put(`/pushrules/global/override/${encodeURIComponent(old)}`, { actions: ['notify'], conditions })
    }
    const { replacement_room: replacement } = (await upgrade(alice, old, '12')).body
    const rules = async (user: TestUser) => {
      const { global } = (await user.get('/pushrules/')).body
      const ofRoom = (kind: string) => global[kind].filter((rule: { rule_id: string }) => rule.rule_id === replacement)
      return [...ofRoom('room'), ...ofRoom('override')].map(({ actions, conditions }) => [actions, conditions?.[0]?.pattern])
    }
    const carried = [
      [[], undefined],
      [['notify'], replacement],
    ]
    expect(await rules(alice)).to.deep.equal(carried)
    expect(await rules(bob)).to.deep.equal([])
    await bob.post(`/join/${replacement}`)
    expect(await rules(bob)).to.deep.equal(carried)
  })
}
