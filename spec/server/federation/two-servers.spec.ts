import { expect } from 'chai'
import { type Neighbours, startNeighbours } from '../../support/federation.ts'
import { engines, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`two servers on ${engine}`, () => {
    let neighbours: Neighbours
    let [alice, bob]: TestUser[] = []
    let roomId: string
    let count = 0

    before(async function () {
      const started = await startNeighbours(2, engine)
      if (started === undefined) return this.skip()
      neighbours = started
      const [here, there] = started.servers as [TestServer, TestServer]
      alice = await here.register('alice')
      bob = await there.register('bob')
      const { body } = await alice.post('/createRoom', { preset: 'public_chat' })
      roomId = body.room_id
      const joined = await bob.post(`/join/${roomId}`, {}, { query: { server_name: here.server.home.serverName } })
      expect(joined.status, joined.text).to.equal(200)
    })
    after(() => neighbours?.close())

    const say = (user: TestUser, body: string) => user.put(`/rooms/${roomId}/send/m.room.message/${++count}`, { msgtype: 'm.text', body })
    async function untilSeen(user: TestUser, body: string): Promise<string[]> {
      const seen: string[] = []
      for (let since = ''; !seen.includes(body); ) {
        const asked = await user.get('/sync', { query: { timeout: '5000', ...(since === '' ? {} : { since }) } })
        since = asked.body.next_batch
        for (const { content } of asked.body.rooms?.join?.[roomId]?.timeline?.events ?? []) if (content.body) seen.push(content.body)
      }
      return seen
    }

    it('tell each other what is said, each in its order', async () => {
      for (const number of Array(5).keys()) {
        await say(alice!, `here ${number}`)
        await say(bob!, `there ${number}`)
      }
      await Promise.all([say(alice!, 'last of here'), say(bob!, 'last of there')])
      const [ofAlice] = await Promise.all([untilSeen(alice!, 'last of there'), untilSeen(bob!, 'last of here')])
      expect(ofAlice.filter((body) => body.startsWith('there'))).to.deep.equal(Array.from({ length: 5 }, (_, number) => `there ${number}`))
    })

    it('tell each other who leaves, and then nothing more', async () => {
      await bob!.post(`/rooms/${roomId}/leave`, {})
      const members = async () => Object.keys((await alice!.get(`/rooms/${roomId}/joined_members`)).body.joined)
      while ((await members()).length > 1) await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await members()).to.deep.equal([alice!.userId])
    })
  })
}
