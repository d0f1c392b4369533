import { expect } from 'chai'
import { MatrixRequestError } from '../../../bridges/kit/matrix/side.ts'
import { tellWindows } from '../../../bridges/kit/outbound/window.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { createWorld, messagesIn, openKit, type World } from './house-of-cards.ts'
import { alice, ana, ben, live, said, text, wrote } from './story.ts'

const hour = 3_600_000
const over = 'WhatsApp takes answers for 24 hours after a person wrote, and that time is over.'
const kept = 'This is kept, and goes out by itself when they write again within 3 days. Remove it to withdraw it.'

describe('the window in which a network takes answers', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello', { at: world.now })] })
  })
  afterEach(() => removeFolder(world.folder))

  async function tell(): Promise<void> {
    const kit = await openKit(world)
    await tellWindows(kit)
    kit.close()
  }
  const notices = () => messagesIn(world).filter((line) => line.startsWith('bot: '))

  it('is announced once, an hour before it closes, and anew after they wrote again', async () => {
    await tell()
    expect(notices()).to.deep.equal([])
    world.now += 23 * hour + 60_000
    await tell()
    await tell()
    const words = 'WhatsApp takes answers to Ana for 59 more minutes; after that, not before they write again.'
    expect(notices()).to.deep.equal([`bot: ${words}`])
    await live(world, { heard: [said(ana, 'w2', 'still here', { at: world.now })] })
    await tell()
    world.now += 23 * hour + 60_000
    await tell()
    expect(notices()).to.deep.equal([`bot: ${words}`, `bot: ${words}`])
  })

  it('is announced to the other rooms when one will not hear of it', async () => {
    await live(world, { heard: [said(ben, 'w2', 'hi', { at: world.now })] })
    world.now += 23 * hour + 60_000
    const kit = await openKit(world)
    const refused = world.events[0]!.room
    const send: typeof kit.matrix.send = async (event) => {
      if (event.room === refused) throw new MatrixRequestError(403, 'M_FORBIDDEN')
      return kit.matrix.send(event)
    }
    await tellWindows({ ...kit, matrix: { ...kit.matrix, send } })
    kit.close()
    expect(notices()).to.deep.equal(['bot: WhatsApp takes answers to Ben for 59 more minutes; after that, not before they write again.'])
  })

  it('is not announced when it has closed already', async () => {
    world.now += 25 * hour
    await tell()
    expect(notices()).to.deep.equal([])
  })

  it('stands in the state of what is sent; what the network calls too late is kept, in words', async () => {
    const opened = world.now
    await live(world, { posted: [wrote('$a', alice, text('hi'))] })
    world.answers = [() => ({ kind: 'refused', class: 'window_closed', words: 'Wait until they write again.' })]
    await live(world, { posted: [wrote('$b', alice, text('late'))] })
    const states = world.events.filter(({ type }) => type === 'org.tombolo.delivery').map(({ clear }) => clear)
    expect(states.map(({ state }) => state)).to.deep.equal(['sent', 'queued'])
    expect(states[0]!['window']).to.deep.equal({ closes_at: opened + 24 * hour })
    expect(notices()).to.deep.equal([`bot: Ana: ${over} ${kept}`])
  })
})
