import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { faultsOf, type Line, meetEverybody, members, says, viewOf } from '../trips/cast.ts'
import { numbers, openScene, type Part, parts, type Scene, until } from '../trips/scene.ts'

const kills = Number(process.env['TOMBOLO_KILLS'] ?? 50)

describe(`${kills} kills at random moments of the scene`, function () {
  this.timeout(kills * 20_000 + 60_000)
  let scene: Scene
  const said: Line[] = []
  before(async () => {
    scene = await openScene({ pace: false })
    await meetEverybody(scene)
  })
  after(() => scene?.close())

  /** Told by the bot where a message could not be proved to have been sent: these may be missing on that network, and nowhere else. */
  const unknown = () => scene.alice.sees().filter(({ text }) => /may have been sent/.test(text)).length

  async function faults(): Promise<string[]> {
    const found: string[] = []
    for (const who of members) {
      const view = (await viewOf(scene, who)).filter((line) => !/may have been sent/.test(line))
      found.push(...faultsOf(view, said, Object.values(numbers)).map((fault) => `${who} ${fault}`))
    }
    return found
  }

  it('lose and double nothing; what cannot be known is told', async () => {
    for (let n = 0; n < kills; n++) {
      const part = parts[Math.floor(Math.random() * parts.length)] as Part
      const delay = Math.random() * 400
      // WhatsApp takes one message in six seconds for a person: time passes on the networks.
      await scene.control.advance({ ms: 20_000 })
      const talking = Promise.all(
        members.map(async (by) => {
          const text = `${by} in round ${n}`
          said.push({ by, text })
          await says(scene, by, text)
        }),
      )
      await sleep(delay)
      await scene.killAndStart(part)
      await talking
      const missing = async () => (await faults()).filter((fault) => / misses /.test(fault)).length
      await until(`round ${n} (${part} killed after ${Math.round(delay)} ms)`, async () => (await missing()) <= unknown(), faults, 60_000)
    }
    const found = await faults()
    expect(found.filter((fault) => !/ misses /.test(fault))).to.deep.equal([])
    expect(found.filter((fault) => / misses /.test(fault)).length).to.be.at.most(unknown())
    expect(await scene.alice.faults()).to.deep.equal([])
  })
})
