import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { killRepeatedly } from '../support/killing.ts'
import { hammer, say, seededRandom } from '../support/load.ts'
import { cutWriters, openHotRoom, type Scene } from '../support/two-processes.ts'

describe('100 people who write into one room by two processes', () => {
  let scene: Scene
  beforeEach(async function () {
    const opened = await openHotRoom(100)
    if (!opened) return this.skip()
    scene = opened
  })
  afterEach(() => scene?.cluster.close())

  it('are heard once and in one order, whatever happens to the processes and to their connections', async () => {
    const { cluster, journal, writers, owner, roomId } = scene
    const random = seededRandom(13)
    let writing = true
    const written = hammer(journal, writers, [roomId], 40).finally(() => {
      writing = false
    })
    const faults = [
      async (turn: number) => void (await killRepeatedly(cluster.members[turn % 2]!, 1, () => random(200))),
      async () => void (await cutWriters(cluster.databaseUrl!)),
      async (turn: number) => {
        const frozen = cluster.members[turn % 2]!.running()
        frozen.signal('SIGSTOP')
        await say(journal, owner, roomId, turn + 1)
        await sleep(random(2600))
        frozen.signal('SIGCONT')
      },
    ]
    let turn = 0
    for (; writing; turn++) {
      await faults[random(faults.length)]!(turn + random(2))
      await sleep(random(150))
    }
    await written
    expect(turn).to.be.greaterThan(5)
    const room = await scene.check()
    expect(room.filter(({ type, sender }) => type === 'm.room.message' && sender !== owner.userId)).to.have.length(100 * 40)
  })
})
