import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('profiles', () => {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
    bob = await server.register('bob')
  })
  after(() => server.close())
  const path = '/profile/@alice:hs.test'
  const set = (key: string, value: unknown, by = alice) => by.put(`${path}/${key}`, { [key]: value })

  it('hold names, pictures and fields of any kind, for everyone to read', async () => {
    const fields = { displayname: 'Alice', avatar_url: 'mxc://hs.test/abc', 'm.tz': 'Europe/Berlin', 'org.example.list': [1, { a: null }] }
    for (const [key, value] of Object.entries(fields)) expect((await set(key, value)).body, key).to.deep.equal({})
    expect((await server.anonymous.get(path)).body).to.deep.equal(fields)
    for (const [key, value] of Object.entries(fields)) {
      expect((await bob.get(`${path}/${key}`)).body).to.deep.equal({ [key]: value })
      const unstable = await bob.get(`/_matrix/client/unstable/uk.tcpip.msc4133${path}/${key}`)
      expect(unstable.body).to.deep.equal({ [key]: value })
    }
  })
  it('lose a field that is deleted, or a name that is set to nothing', async () => {
    await set('org.example.gone', 1)
    expect((await alice.delete(`${path}/org.example.gone`)).status).to.equal(200)
    expect((await alice.get(`${path}/org.example.gone`)).body.errcode).to.equal('M_NOT_FOUND')
    await set('displayname', '')
    expect((await alice.get(path)).body).not.to.have.property('displayname')
  })
  it('belong to their user', async () => {
    expect((await set('displayname', 'Mallory', bob)).body.errcode).to.equal('M_FORBIDDEN')
    expect((await bob.delete(`${path}/m.tz`)).body.errcode).to.equal('M_FORBIDDEN')
    expect((await server.anonymous.put(`${path}/m.tz`, { 'm.tz': 'x' })).status).to.equal(401)
  })
  it('are not there for users that are none', async () => {
    expect((await alice.get('/profile/@nobody:hs.test')).body.errcode).to.equal('M_NOT_FOUND')
    expect((await alice.get('/profile/nonsense')).body.errcode).to.equal('M_INVALID_PARAM')
  })
  it('refuse what is no field, no value or too much', async () => {
    const wrong: [string, unknown, string][] = [
      ['Capital', 1, 'M_INVALID_PARAM'],
      ['x'.repeat(256), 1, 'M_KEY_TOO_LARGE'],
      ['org.example.big', 'x'.repeat(66_000), 'M_PROFILE_TOO_LARGE'],
      ['displayname', {}, 'M_BAD_JSON'],
      ['displayname', 'x'.repeat(300), 'M_INVALID_PARAM'],
      ['avatar_url', 'https://example.org/a.png', 'M_INVALID_PARAM'],
    ]
    for (const [key, value, errcode] of wrong) {
      const { status, body } = await set(key, value)
      expect([status, body.errcode], key.slice(0, 20)).to.deep.equal([400, errcode])
    }
    expect((await alice.put(`${path}/m.tz`, { other: 1 })).body.errcode).to.equal('M_MISSING_PARAM')
    expect((await set('__proto__', 1)).body.errcode).to.equal('M_INVALID_PARAM')
  })
  it('reach the rooms that their user is in, and leave the rest of the membership as it is', async () => {
    const rooms: string[] = []
    for (let room = 0; room < 3; room++) rooms.push((await bob.post('/createRoom', { preset: 'public_chat' })).body.room_id)
    for (const room of rooms) await alice.post(`/rooms/${room}/join`, {})
    await alice.post(`/rooms/${rooms[2]}/leave`, {})
    const member = `state/m.room.member/${alice.userId}`
    await alice.put(`/rooms/${rooms[0]}/${member}`, {
      membership: 'join',
      'org.example.kept': 1,
      join_authorised_via_users_server: bob.userId,
    })
    await Promise.all(['One', 'Two', 'Three'].map((name) => set('displayname', name)))
    const { displayname } = (await alice.get(path)).body
    const [first, second, left] = await Promise.all(rooms.map(async (room) => (await bob.get(`/rooms/${room}/${member}`)).body))
    expect(first)
      .to.include({ membership: 'join', displayname, 'org.example.kept': 1 })
      .and.not.have.property('join_authorised_via_users_server')
    expect(second).to.include({ membership: 'join', displayname })
    expect(left).to.include({ membership: 'leave' }).and.not.have.property('displayname')
  })
})
