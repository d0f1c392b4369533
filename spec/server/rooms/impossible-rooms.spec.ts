import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('Rooms that cannot be made', () => {
  let server: TestServer
  let alice: TestUser

  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
  })
  after(() => server.close())

  const outcome = async (body: object) => {
    const made = await alice.post('/createRoom', body)
    return `${made.status} ${made.body.errcode}`
  }

  it('are 400 M_INVALID_ROOM_STATE when their own rules refuse what was asked for', async () => {
    const powerless = { room_version: '11', power_level_content_override: { users: {} }, name: 'x' }
    expect(await outcome(powerless)).to.equal('400 M_INVALID_ROOM_STATE')
    expect(await outcome({ invite: [alice.userId] })).to.equal('400 M_INVALID_ROOM_STATE')
    expect((await alice.get('/joined_rooms')).body.joined_rooms).to.deep.equal([])
  })

  it('are 400 M_BAD_JSON when their creators are no users', async () => {
    for (const additional_creators of ['@bob:hs.test', ['bob'], [7], [null], {}])
      expect(await outcome({ room_version: '12', creation_content: { additional_creators } })).to.equal('400 M_BAD_JSON')
  })
})
