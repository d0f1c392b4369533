import { expect } from 'chai'
import { failManagementEvent } from '../../../../bridges/kit/commands/management.ts'
import type { HubPlan } from '../../../../bridges/kit/kit.ts'
import type { MatrixEvent } from '../../../../bridges/kit/matrix/event.ts'
import { selectNewChores } from '../../../../bridges/kit/store/management.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { createWorld, openKit, type World } from '../house-of-cards.ts'
import { alice, ana, answering, ghostOf, hub, live, redacted, said, take, text, wrote } from '../story.ts'
import { deskOf } from './desk.ts'

describe('a command that fails for a reason of the bridge’s own', () => {
  let world: World
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => removeFolder(world.folder))

  /** Which of the events are answered when they are given up. */
  async function answered(posted: readonly MatrixEvent[], options: { hub?: HubPlan } = {}): Promise<string[]> {
    await live(world, { heard: [said(ana, 'w1', 'hello', { at: world.now })] }, options)
    const desk = deskOf(world, await openKit(world, options))
    take(desk, world, { posted })
    for (const { event_id: event } of posted) failManagementEvent(desk, '!room0', event)
    const chores = selectNewChores(desk.store, 0, 10, '!room0')
    desk.store.close()
    return chores.map(({ key }) => key.replace('answer ', ''))
  }
  const templates = (id: string, by = alice) => wrote(id, by, text('!tombolo templates'))

  it('is answered in the room of a chat too, as is nothing else that was said there', async () => {
    const posted = [templates('$b'), wrote('$c', alice, text('hello')), templates('$d', ghostOf('messenger')), redacted('$f', alice, '$b')]
    expect(await answered([...posted, templates('$e', '@eve:elsewhere.test')])).to.deep.equal(['$b'])
  })

  it('is answered in a shared room where the bridge takes it', async () => {
    const again = wrote('$b', alice, text('!tombolo send again', answering('$a')))
    expect(await answered([again, templates('$c')], { hub })).to.deep.equal(['$b'])
  })
})
