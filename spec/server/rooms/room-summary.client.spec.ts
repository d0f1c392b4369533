import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`room summaries on ${engine}`, () => declare(engine))

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

  const makeRoom = async (join_rule: string, more: object = {}, content: object = {}) =>
    (
      await alice.post('/createRoom', {
        name: 'Name',
        topic: 'Topic',
        initial_state: [{ type: 'm.room.join_rules', content: { join_rule, ...content } }],
        ...more,
      })
    ).body.room_id as string
  const summary = (who: Pick<TestUser, 'get'>, idOrAlias: string) =>
    who.get(`/_matrix/client/v1/room_summary/${encodeURIComponent(idOrAlias)}`)

  it('tell what the room is, by id and by alias, under the stable and the old names', async () => {
    const roomId = await makeRoom('public', {
      room_version: '11',
      room_alias_name: `room${people}`,
      creation_content: { type: 'm.space' },
    })
    await alice.put(`/rooms/${roomId}/state/m.room.encryption`, { algorithm: 'm.megolm.v1.aes-sha2' })
    await alice.put(`/rooms/${roomId}/state/m.room.avatar`, { url: 'mxc://hs.test/a' })
    const alias = `#room${people}:hs.test`
    const expected = {
      room_id: roomId,
      name: 'Name',
      topic: 'Topic',
      canonical_alias: alias,
      avatar_url: 'mxc://hs.test/a',
      num_joined_members: 1,
      world_readable: false,
      guest_can_join: true,
      join_rule: 'public',
      room_type: 'm.space',
      room_version: '11',
      encryption: 'm.megolm.v1.aes-sha2',
    }
    for (const name of [roomId, alias]) expect((await summary(bob, name)).body).to.deep.include({ ...expected, membership: 'leave' })
    expect((await summary(alice, roomId)).body.membership).to.equal('join')
    const old = '/_matrix/client/unstable/im.nheko.summary'
    for (const path of [`${old}/summary/${roomId}`, `${old}/rooms/${roomId}/summary`]) {
      const { body } = await bob.get(path)
      expect(body, path).to.deep.include({ ...expected, 'im.nheko.summary.room_version': '11' })
    }
    const { body } = await summary(server.anonymous, roomId)
    expect(body).to.deep.include(expected)
    expect(body).to.not.have.property('membership')
  })

  it('are for those who are in, invited, may join, knock or read, and nobody else', async () => {
    const allowed = await makeRoom('invite')
    const allow = [{ type: 'm.room_membership', room_id: allowed }]
    const readable = { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }
    const cases: [string, string, boolean, boolean][] = [
      ['public', await makeRoom('public'), true, true],
      ['knock', await makeRoom('knock'), true, true],
      ['knock in an old room', await makeRoom('knock', { room_version: '6' }), false, false],
      ['knock_restricted', await makeRoom('knock_restricted', {}, { allow }), true, true],
      ['restricted', await makeRoom('restricted', {}, { allow }), false, false],
      ['invite', await makeRoom('invite'), false, false],
      ['readable', await makeRoom('invite', { initial_state: [readable] }), true, true],
      ['invited', await makeRoom('invite', { invite: [bob.userId] }), true, false],
    ]
    for (const [name, roomId, toBob, toAnyone] of cases) {
      expect((await summary(bob, roomId)).status, name).to.equal(toBob ? 200 : 404)
      expect((await summary(server.anonymous, roomId)).status, name).to.equal(toAnyone ? 200 : 404)
    }
    await alice.post(`/rooms/${allowed}/invite`, { user_id: bob.userId })
    await bob.post(`/join/${allowed}`)
    expect((await summary(bob, cases[4]![1])).body.allowed_room_ids).to.deep.equal([allowed])
    await alice.post(`/rooms/${cases[0]![1]}/ban`, { user_id: bob.userId })
    expect((await summary(bob, cases[0]![1])).body.errcode).to.equal('M_NOT_FOUND')
  })

  it('say when there is no such room', async () => {
    expect((await summary(alice, '!nothing:hs.test')).body.errcode).to.equal('M_NOT_FOUND')
    expect((await summary(alice, '#nothing:hs.test')).body.errcode).to.equal('M_NOT_FOUND')
    expect((await summary(alice, 'nothing')).body.errcode).to.equal('M_INVALID_PARAM')
  })
}
