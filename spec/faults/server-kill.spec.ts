import { type Cluster, type Hopper, startCluster } from '../support/cluster.ts'
import { compare, createJournal } from '../support/journal.ts'
import { killRepeatedly } from '../support/killing.ts'
import { makeRoom, seededRandom } from '../support/load.ts'
import {
  accountData,
  joins,
  messages,
  type Operation,
  oneTimeKeys,
  receipts,
  state,
  toDevice,
  uploads,
} from '../support/mixed-operations.ts'
import { type Engine, engines } from '../support/server.ts'
import { startReader } from '../support/sync-reader.ts'

const kills = 25
type Ten = [Hopper, Hopper, Hopper, Hopper, Hopper, Hopper, Hopper, Hopper, Hopper, Hopper]

/** Everything that clients do, at once, while processes are killed at any instant; then everything that was acknowledged is looked for. */
async function play(cluster: Cluster, seed: number): Promise<void> {
  const names = ['amy', 'ben', 'cat', 'dov', 'eli', 'flo', 'gus', 'hee', 'ivo', 'joy']
  const people = await Promise.all(names.map((name) => cluster.register(name)))
  const [amy, ben, cat, dov, eli, flo, gus, hee, ivo, joy] = people as Ten
  const roomId = await makeRoom(amy, people.slice(1))
  await amy.insist(0, 'PUT', `/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels`, { users: {}, state_default: 0 })
  const journal = createJournal()
  const reader = startReader(joy, { member: (turn) => turn })
  const operations: Operation[] = [
    messages(journal, amy, roomId),
    messages(journal, ben, roomId),
    state(journal, cat, roomId),
    joins(dov, eli),
    receipts(journal, eli, roomId),
    accountData(flo),
    toDevice(gus, joy, () => reader.toDevice),
    toDevice(hee, joy, () => reader.toDevice),
    oneTimeKeys(ivo, [amy, ben, cat]),
    uploads(joy),
  ]
  let ending = false
  const working = operations.map(async ({ once }, place) => {
    for (let turn = place; !ending; turn++) await once(turn)
  })
  const random = seededRandom(seed)
  for (let turn = 0; turn < kills; turn++) await killRepeatedly(cluster.members[turn % cluster.members.length]!, 1, () => random(400))
  ending = true
  await Promise.all(working)
  await reader.untilCaughtUp()
  await compare(journal, joy, { joy: reader.timelines })
  for (const { check } of operations) await check()
}

function describeKills(words: string, engine: Engine, size: number, seed: number): void {
  describe(words, () => {
    let cluster: Cluster
    before(async function () {
      const started = await startCluster(engine, size)
      if (!started) return this.skip()
      cluster = started
    })
    after(() => cluster?.close())

    it(`keeps all that it acknowledged, once, over ${kills} kills at any instant`, () => play(cluster, seed))
  })
}

for (const engine of engines) describeKills(`a server over ${engine}`, engine, 1, 1)
describeKills('a server of two processes', 'postgres', 2, 2)
