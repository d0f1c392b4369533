import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { hammer, say, seededRandom } from '../support/load.ts'
import { cutWriters, openHotRoom, type Scene } from '../support/two-processes.ts'

describe('one room in which 32 people write by two processes', () => {
  let scene: Scene
  beforeEach(async function () {
    const opened = await openHotRoom(32)
    if (!opened) return this.skip()
    scene = opened
  })
  afterEach(() => scene?.cluster.close())

  it('keeps each message once, and tells every reader the same order', async () => {
    await hammer(scene.journal, scene.writers, [scene.roomId], 25)
    const room = await scene.check()
    expect(room.filter(({ type }) => type === 'm.room.message')).to.have.length(32 * 25)
  })

  it('goes on by one while the other is frozen in the middle of its work, and loses and doubles nothing', async () => {
    const { cluster, journal, owner, roomId } = scene
    const writing = hammer(journal, scene.writers, [roomId], 20)
    // Longer than PostgreSQL lets a transaction stand idle, then shorter.
    for (const [round, pause] of [2500, 300, 300].entries()) {
      const frozen = cluster.members[round % 2]!.running()
      await say(journal, owner, roomId, round)
      frozen.signal('SIGSTOP')
      await say(journal, owner, roomId, round + 1)
      await sleep(pause)
      frozen.signal('SIGCONT')
    }
    await writing
    await scene.check()
  })

  it('loses and doubles nothing when connections are cut again and again, at COMMIT too', async () => {
    const random = seededRandom(11)
    let writing = true
    const ended = hammer(scene.journal, scene.writers, [scene.roomId], 20).finally(() => {
      writing = false
    })
    let cut = 0
    while (writing) {
      cut += await cutWriters(scene.cluster.databaseUrl!)
      await sleep(random(120))
    }
    await ended
    expect(cut).to.be.greaterThan(2)
    await scene.check()
  })
})
