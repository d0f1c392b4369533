import { seededRandom } from '../support/load.ts'
import { engines } from '../support/server.ts'
import { playLoad } from '../support/ten-thousand.ts'

for (const engine of engines) {
  describe(`1,000 messages from 20 clients to 8 rooms, over ${engine}`, function () {
    this.timeout(60_000)

    it('are there once and in order, though the process is killed while they come', async function () {
      const random = seededRandom(3)
      const ready = await playLoad({ engine, clients: 20, rooms: 8, each: 50, kills: 1, pause: () => 100 + random(200) })
      if (!ready) this.skip()
    })
  })
}
