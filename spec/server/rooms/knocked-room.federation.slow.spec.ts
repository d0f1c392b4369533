import { expect } from 'chai'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import type { TestServer } from '../../support/server.ts'

describe('A room of another server that one knocks on', () => {
  let neighbours: Neighbours

  before(async () => {
    neighbours = (await startNeighbours(2)) as Neighbours
  })

  after(() => neighbours.close())

  it('is told of without naming a server that knows it', async () => {
    const [one, two] = neighbours.servers as [TestServer, TestServer]
    const alice = await one.register('alice')
    const bob = await two.register('bob')
    const knocking = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
    const { room_id } = (await alice.post('/createRoom', { name: 'Knock here', initial_state: [knocking] })).body
    await bob.post(`/knock/${room_id}?via=${alice.userId.slice(alice.userId.indexOf(':') + 1)}`, {})
    const { status, body } = await bob.get(`/_matrix/client/v1/room_summary/${room_id}`)
    expect([status, body.name, body.membership]).to.deep.equal([200, 'Knock here', 'knock'])
    const tree = await bob.get(`/_matrix/client/v1/rooms/${room_id}/hierarchy`)
    expect(tree.body.rooms[0].name).to.equal('Knock here')
  })
})
