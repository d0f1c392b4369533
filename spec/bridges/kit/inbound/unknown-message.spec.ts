import { expect } from 'chai'
import { releaseDue } from '../../../../bridges/kit/store/inbox.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { createWorld, messagesIn, openKit, type World } from '../house-of-cards.ts'
import { about, ana, ben, live, said } from '../story.ts'

const minute = 60_000

describe('F-22: a correction of a message that is not here', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
  })
  afterEach(() => removeFolder(world.folder))

  async function wait(ms: number, of: World = world): Promise<void> {
    of.now += ms
    const kit = await openKit(of)
    releaseDue(kit.store, of.now)
    kit.close()
    await live(of, {})
  }
  const edit = (text: string, at = world.now) => about(ana, 'edit', 'w9', { text, at })
  const standing = (of: World = world) => {
    const gone = new Set(of.redactions.map(({ event }) => event))
    return of.events.flatMap(({ id, clear }) => (gone.has(id) || clear['body'] === undefined ? [] : [String(clear['body'])]))
  }

  it('is shown as what it says after ten minutes, by whom it is, and corrected by the next', async () => {
    await live(world, { heard: [edit('at ten')] })
    await wait(9 * minute)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello'])
    await wait(minute)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello', 'ghost: Corrected a message that is not here: at ten'])
    await live(world, { heard: [edit('at eleven', world.now + 1)] })
    expect(messagesIn(world).at(-1)).to.equal('ghost: * at eleven')
    await wait(60 * minute)
    expect(messagesIn(world)).to.have.length(3)
  })

  it('is a correction when the message comes in time, and stands in its place when it comes after all', async () => {
    await live(world, { heard: [edit('at ten')] })
    await live(world, { heard: [said(ana, 'w9', 'at nine')] })
    expect(messagesIn(world)).to.deep.equal(['ghost: hello', 'ghost: at nine', 'ghost: * at ten'])
    await live(world, { heard: [about(ana, 'edit', 'w10', { text: 'late', at: world.now })] })
    await wait(11 * minute)
    await live(world, { heard: [said(ana, 'w10', 'what it was'), said(ben, 'b1', 'me too')] })
    expect(messagesIn(world).slice(3)).to.deep.equal(['ghost: Corrected a message that is not here: late', 'ghost: me too'])
  })

  it('is taken back with its message', async () => {
    await live(world, { heard: [edit('at ten'), about(ana, 'deleted', 'w9', { at: world.now + 1 })] })
    await wait(11 * minute)
    expect(standing()).to.deep.equal(['hello'])
  })

  it('is shown once, wherever the process ends and however often it comes', async () => {
    await live(world, { heard: [edit('at ten')] })
    world.now += 11 * minute
    const kit = await openKit(world)
    releaseDue(kit.store, world.now)
    kit.close()
    const probe = await live(world, {})
    for (let at = 1; at <= probe.length; at++) {
      const again = createWorld(temporaryFolder())
      await live(again, { heard: [said(ana, 'w1', 'hello'), edit('at ten', again.now)] })
      again.now += 11 * minute
      const opened = await openKit(again)
      releaseDue(opened.store, again.now)
      opened.close()
      await live(again, {}, { crashAt: at })
      await live(again, { heard: [edit('at ten', again.now - 11 * minute)] })
      await wait(60 * minute, again)
      expect(standing(again), probe[at - 1]).to.deep.equal(['hello', 'Corrected a message that is not here: at ten'])
      removeFolder(again.folder)
    }
  })
})
