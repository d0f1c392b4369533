import { expect } from 'chai'
import { png } from '../bridges/kit/media/crafted-files.ts'
import { meetEverybody, prefixes } from '../trips/cast.ts'
import { openScene, type Scene, until } from '../trips/scene.ts'

const picture = png({ width: 8, height: 8 })

describe('a picture that a network cannot give for a while', () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
    await meetEverybody(scene)
  })
  after(() => scene?.close())

  const lines = () => scene.alice.sees().map(({ text }) => text)
  const filesOn = async (network: 'messenger' | 'instagram') =>
    (await scene.people[network].sees()).flatMap(({ from, files = [] }) => (from === 'me' ? [] : files))

  it('holds up nobody: what comes after it is read within moments, and it follows, once, when it can be had', async () => {
    await scene.control.setFault({ network: 'whatsapp', kind: 'gateway', at: 'download', times: 9 })
    await scene.people.whatsapp.sends({ files: [{ kind: 'image', mime: 'image/png', data: picture.toString('base64') }], text: 'my bike' })
    await scene.people.whatsapp.says('do you like it?')
    await until('the words after it', () => lines().includes('do you like it?'), scene.logs, 30_000)
    expect(lines().filter((line) => /^my bike\n.*still being fetched/.test(line))).to.have.length(1)
    await until('the picture', () => scene.alice.sees().some(({ content }) => content['file'] !== undefined), scene.logs, 90_000)
    await until('the end of the words in its place', () => lines().some((line) => /came later/.test(line)), scene.logs)
    for (const network of ['messenger', 'instagram'] as const) {
      await until(`${network} has it`, async () => (await filesOn(network)).length === 1, scene.logs)
      const read = (await scene.people[network].sees()).map(({ text }) => text)
      expect(read).to.include(`${prefixes.whatsapp}do you like it?`)
    }
    expect(scene.alice.sees().filter(({ content }) => content['file'] !== undefined)).to.have.length(1)
    expect(await scene.alice.faults()).to.deep.equal([])
  })
})
