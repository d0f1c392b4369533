import { expect } from 'chai'
import { networks } from '../../config/bridge-schema.ts'
import { meetEverybody, prefixes, viewOf } from '../trips/cast.ts'
import { openScene, type Scene, until } from '../trips/scene.ts'

describe('a network whose answer to a send is lost', () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
    await meetEverybody(scene)
  })
  after(() => scene?.close())

  const copies = async (network: (typeof networks)[number], text: string) =>
    (await viewOf(scene, network)).filter((line) => line === prefixes.matrix + text).length
  const notices = () => scene.alice.sees().filter(({ text }) => /may have been sent/.test(text)).length

  it('has the message once when it arrived all the same: the network’s own word about it settles it, and nobody is troubled', async () => {
    for (const network of networks) await scene.control.setFault({ network, kind: 'cut', when: 'after', times: 1 })
    await scene.alice.says('arrived')
    await scene.alice.says('and then')
    for (const network of networks) {
      await until(`${network} has the next one`, async () => (await copies(network, 'and then')) === 1, scene.logs)
      expect(await copies(network, 'arrived'), network).to.equal(1)
    }
    expect(notices()).to.equal(0)
  })

  it('is not sent to again when it did not arrive: the room is told that it is not known', async () => {
    for (const network of networks) await scene.control.setFault({ network, kind: 'cut', when: 'before', times: 1 })
    await scene.alice.says('lost')
    await until('the room is told', () => notices() === networks.length, scene.logs)
    for (const network of networks) expect(await copies(network, 'lost'), network).to.equal(0)
  })

  it('is sent to again when it surely refused for a while', async () => {
    for (const network of networks) {
      await scene.control.setFault({
        network,
        kind: 'error',
        when: 'before',
        times: 2,
        error: { status: 503, code: 2, message: 'later' } as never,
      })
    }
    await scene.alice.says('patience')
    for (const network of networks) await until(`${network} has it`, async () => (await copies(network, 'patience')) === 1, scene.logs)
  })
})
