import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { filesIn } from '../support/leaks.ts'
import { expectedFrom, faultsOf, meetEverybody, members, says, viewOf } from './cast.ts'
import { numbers, openScene, parts, type Scene, until } from './scene.ts'

describe('first light: four people, three networks and Matrix, one encrypted room', () => {
  let scene: Scene
  const said: { by: (typeof members)[number]; text: string }[] = []

  before(async () => {
    scene = await openScene()
    await meetEverybody(scene)
  })
  after(() => scene?.close())

  /** Everybody says something, and everybody gets to read all of it. */
  async function round(words: string): Promise<void> {
    for (const by of members) {
      const text = `${words}, said by ${by}`
      await says(scene, by, text)
      said.push({ by, text })
    }
    await settled()
  }

  async function settled(): Promise<void> {
    for (const who of members) {
      const faults = async () => faultsOf(await viewOf(scene, who), said, Object.values(numbers))
      await until(`${who} reads everything once`, async () => (await faults()).length === 0, faults, 60_000)
    }
  }

  async function check(): Promise<void> {
    for (const who of members) expect((await viewOf(scene, who)).sort(), who).to.deep.equal(expectedFrom(said).sort())
  }

  it('lets everybody read everybody once, under a fitting name', async () => {
    await round('first')
    await check()
  })

  it('shows the Matrix user nothing that is not encrypted, or not by the device of who sent it', async () => {
    expect(await scene.alice.faults()).to.deep.equal([])
  })

  it('loses and doubles nothing when each part is killed and started again, one after another, while all are talking', async () => {
    for (const part of parts) {
      const killed = scene.killAndStart(part)
      await round(`while ${part} is killed`)
      await killed
    }
    await settled()
    await check()
    expect(await scene.alice.faults()).to.deep.equal([])
  })

  it('takes a message that the network brings again and again as one', async () => {
    for (const network of networks) await scene.control.setDelivery({ network, extraCopies: 5 })
    await round('with copies')
    for (const network of networks) await scene.control.settle({ network })
    await check()
  })

  it('shows nobody a number, and keeps none, nor a word that was said, in the server’s files and any log', async () => {
    const digits = numbers.ana.slice(1)
    for (const who of members) expect((await viewOf(scene, who)).join('\n')).not.to.include(digits)
    expect(scene.logs()).not.to.match(new RegExp(`${digits}|, said by`))
    for (const { name, bytes } of filesIn(scene.folder)) {
      expect(bytes.includes(digits), name).to.equal(false)
      expect(bytes.includes(', said by'), name).to.equal(false)
    }
  })
})
