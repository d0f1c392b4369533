import { expect } from 'chai'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import type { Body, TestServer } from '../../support/server.ts'

describe('The user directory and rooms that this server has left', () => {
  let neighbours: Neighbours

  before(async () => {
    neighbours = (await startNeighbours(2)) as Neighbours
  })

  after(() => neighbours.close())

  it('shows nobody that was found in one of them, until somebody is in it again', async () => {
    const [one, two] = neighbours.servers as [TestServer, TestServer]
    const alice = await one.register('alice')
    const bob = await two.register('bob')
    const carol = await two.register('carol')
    const { room_id } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
    const found = async () =>
      (await carol.post('/user_directory/search', { search_term: alice.userId })).body.results.map(({ user_id }: Body) => user_id)
    const join = () => bob.post(`/join/${room_id}?via=${alice.userId.slice(alice.userId.indexOf(':') + 1)}`, {})
    await join()
    expect(await found()).to.deep.equal([alice.userId])
    await bob.post(`/rooms/${room_id}/leave`, {})
    expect(await found()).to.deep.equal([])
    await join()
    expect(await found()).to.deep.equal([alice.userId])
  })
})
