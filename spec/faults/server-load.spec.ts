import { seededRandom } from '../support/load.ts'
import { engines } from '../support/server.ts'
import { playLoad } from '../support/ten-thousand.ts'

for (const engine of engines) {
  describe(`10,000 messages from 50 clients to 20 rooms, over ${engine}`, () => {
    it('are there once and in order', async function () {
      const ready = await playLoad({ engine, clients: 50, rooms: 20, each: 200, kills: 0, pause: () => 0 })
      if (!ready) this.skip()
    })

    it('are there once and in order when the process is killed again and again while they come', async function () {
      const random = seededRandom(5)
      const ready = await playLoad({ engine, clients: 50, rooms: 20, each: 200, kills: 5, pause: () => 200 + random(600) })
      if (!ready) this.skip()
    })
  })
}
