import { expect } from 'chai'
import { type Hopper, startCluster } from '../support/cluster.ts'
import { compare, createJournal } from '../support/journal.ts'
import { hammer, makeRoom } from '../support/load.ts'
import { type Engine, engines } from '../support/server.ts'
import { startReader } from '../support/sync-reader.ts'

function describeSync(words: string, engine: Engine, size: number): void {
  describe(words, () => {
    it('tells every reader every event once and in order while writers hammer', async function () {
      const cluster = await startCluster(engine, size)
      if (!cluster) return this.skip()
      try {
        const people = await Promise.all(Array.from({ length: 16 }, (_, place) => cluster.register(`person-${place}`)))
        const [one, two, three, four, ...writers] = people as [Hopper, Hopper, Hopper, Hopper, ...Hopper[]]
        const rooms = await Promise.all([0, 1, 2].map(() => makeRoom(one, people.slice(1))))
        const journal = createJournal()
        const hop = (turn: number) => turn
        const readers = {
          'who waits': startReader(one, { member: hop, timeout: 5000 }),
          'who asks all the time': startReader(two, { member: hop, timeout: 0, pause: 2 }),
          'who asks now and then, for two events': startReader(three, { member: hop, timeout: 0, limit: 2, pause: 150 }),
          'who waits, for one event': startReader(four, { member: hop, timeout: 5000, limit: 1, pause: 40 }),
        }
        await hammer(journal, writers, rooms, 150)
        for (const reader of Object.values(readers)) await reader.untilCaughtUp()
        await compare(journal, one, Object.fromEntries(Object.entries(readers).map(([name, { timelines }]) => [name, timelines])))
        expect(readers['who asks now and then, for two events'].gaps()).to.be.greaterThan(3)
      } finally {
        await cluster.close()
      }
    })
  })
}

for (const engine of engines) describeSync(`syncing with a server over ${engine}`, engine, 1)
describeSync('syncing with two processes in turn', 'postgres', 2)
