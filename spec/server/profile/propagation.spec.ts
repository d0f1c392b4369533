import { expect } from 'chai'
import { randomNumbers } from '../../support/random-json.ts'
import { engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`A new name (${engine})`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let roomId: string

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
      bob = await server.register('bob')
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    })
    after(() => server?.close())

    it('brings nobody back into a room that they are kicked from at that moment', async () => {
      const random = randomNumbers(3)
      for (let round = 0; round < 60; round++) {
        await bob.post(`/join/${roomId}`)
        const named = bob.put(`/profile/${bob.userId}/displayname`, { displayname: `name ${round}` })
        await new Promise((resolve) => setTimeout(resolve, random() * 6))
        await Promise.all([named, alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })])
        expect((await bob.get('/joined_rooms')).body.joined_rooms, `round ${round}`).to.deep.equal([])
      }
    })

    it('reaches the room though it is changed many times at once', async () => {
      await bob.post(`/join/${roomId}`)
      await Promise.all(
        ['one', 'two', 'three', 'four'].map((displayname) => bob.put(`/profile/${bob.userId}/displayname`, { displayname })),
      )
      const { displayname } = (await bob.get(`/profile/${bob.userId}`)).body
      expect((await alice.get(`/rooms/${roomId}/state/m.room.member/${bob.userId}`)).body).to.deep.equal({
        membership: 'join',
        displayname,
      })
    })
  })
}
