import { expect } from 'chai'
import { expireWaiting } from '../../../bridges/kit/store/inbox.store.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { createWorld, messagesIn, openKit, type World } from './house-of-cards.ts'
import { selectNewInbox } from './queues.ts'
import { about, alice, ana, ben, ghostOf, hub, live, reacted, reactionsIn, redacted, said, text, wrote } from './story.ts'

describe('a reaction', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello')], posted: [wrote('$a', alice, text('hi'))] })
    await live(world, { posted: [wrote('$a', alice, text('hi'))] })
  })
  afterEach(() => removeFolder(world.folder))

  const react = (emoji: string | undefined, at?: number, target = 'm0') =>
    about(ana, 'reaction', target, { ...(emoji === undefined ? {} : { emoji }), ...(at === undefined ? {} : { at }) })

  it('from the network is the ghost’s on that message; a new one takes the place of the old one, none takes it away', async () => {
    await live(world, { heard: [react('👍')] })
    expect(reactionsIn(world)).to.deep.equal(['ghost 👍 on $a'])
    await live(world, { heard: [react('❤', world.now + 1)] })
    expect(reactionsIn(world)).to.deep.equal(['ghost ❤ on $a'])
    await live(world, { heard: [react(undefined, world.now + 2)] })
    expect(reactionsIn(world)).to.deep.equal([])
  })

  it('that is older than the one that stands changes nothing', async () => {
    await live(world, { heard: [react('👍', world.now - 1000)] })
    await live(world, { heard: [react('❤', world.now - 2000)] })
    expect(reactionsIn(world)).to.deep.equal(['ghost 👍 on $a'])
  })

  it('waits for its message, in its order, and gives up after seven days', async () => {
    await live(world, { heard: [react('👍', world.now, 'w9'), react('❤', world.now + 1, 'w9'), react('👎', world.now, 'never')] })
    expect(reactionsIn(world)).to.deep.equal([])
    await live(world, { heard: [said(ana, 'w9', 'late')] })
    const late = world.events.find(({ clear }) => clear['body'] === 'late')!.id
    expect(reactionsIn(world)).to.deep.equal([`ghost ❤ on ${late}`])
    const kit = await openKit(world)
    expireWaiting(kit.store, world.now + 1)
    kit.close()
    await live(world, { heard: [said(ana, 'never', 'too late'), react('👎', world.now, 'never')] })
    expect(reactionsIn(world)).to.have.length(1)
  })

  it('to a message of ours waits for the network’s answer that tells its id', async () => {
    await live(world, { heard: [react('👍', world.now, 'm1')] })
    await live(world, { posted: [wrote('$b', alice, text('more'))] })
    expect(reactionsIn(world)).to.deep.equal(['ghost 👍 on $b'])
    const kit = await openKit(world)
    expect(selectNewInbox(kit.store, 0, 10)).to.have.length(0)
    kit.close()
  })

  it('from Matrix is the account’s on the network, and is taken back with its redaction', async () => {
    await live(world, { posted: [reacted('$r', alice, '$event0', '👍')] })
    expect([...world.reacted]).to.deep.equal([['15550000001 w1', '👍']])
    await live(world, { posted: [redacted('$x', alice, '$r')] })
    expect([...world.reacted]).to.deep.equal([['15550000001 w1', '']])
    expect(messagesIn(world)).to.deep.equal(['ghost: hello'])
  })

  it('from Matrix of which the account can hold one is the newest that stands', async () => {
    await live(world, { posted: [reacted('$r1', alice, '$event0', '👍'), reacted('$r2', '@bob:hs.test', '$event0', '❤')] })
    expect([...world.reacted.values()]).to.deep.equal(['❤'])
    await live(world, { posted: [redacted('$x', '@bob:hs.test', '$r2')] })
    expect([...world.reacted.values()]).to.deep.equal(['👍'])
  })

  it('that the network cannot carry is refused in the message’s state, and nothing is sent', async () => {
    await live(world, { posted: [reacted('$r1', alice, '$event0', 'mxc://hs.test/smile'), reacted('$r2', alice, '$unknown', '👍')] })
    expect(world.reacted.size).to.equal(0)
    const states = world.events.filter(({ type }) => type === 'org.tombolo.delivery').slice(-2)
    expect(states.map(({ clear }) => clear['state'])).to.deep.equal(['unsupported', 'unsupported'])
  })

  it('whose answer is lost is given again: twice is once', async () => {
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await live(world, { posted: [reacted('$r', alice, '$event0', '👍')] }).catch(() => undefined)
    await live(world, {})
    expect([...world.reacted]).to.deep.equal([['15550000001 w1', '👍']])
    expect(messagesIn(world)).to.deep.equal(['ghost: hello'])
  })

  it('stands once, in the room and on the network, wherever the process ends', async () => {
    const inward = { heard: [react('👍', 1), react('❤', world.now + 1)] }
    const outward = { posted: [reacted('$r', alice, '$event0', '👍')] }
    const probe = await live(world, { ...inward, ...outward })
    expect(probe).to.include.members(['target known', 'reaction redacted', 'part submitting', 'part answered'])
    for (let at = 1; at <= probe.length; at++) {
      const again = createWorld(temporaryFolder())
      await live(again, { heard: [said(ana, 'w1', 'hello')], posted: [] })
      await live(again, { posted: [wrote('$a', alice, text('hi'))] })
      await live(again, { ...inward, ...outward }, { crashAt: at })
      await live(again, { ...inward, ...outward })
      expect(reactionsIn(again), probe[at - 1]).to.deep.equal(['ghost ❤ on $a'])
      expect([...again.reacted], probe[at - 1]).to.deep.equal([['15550000001 w1', '👍']])
      removeFolder(again.folder)
    }
  })

  it('in a hub goes to everybody who has the message, and not back to who gave it', async () => {
    const shared = createWorld(temporaryFolder())
    await live(shared, { heard: [said(ana, 'a1', 'one'), said(ben, 'b1', 'two')] }, { hub })
    await live(shared, { heard: [about(ben, 'reaction', 'b1', { emoji: '👍' })] }, { hub })
    expect([...shared.reacted]).to.deep.equal([['15550000001 m0', '👍']])
    await live(shared, { posted: [reacted('$r', ghostOf('messenger'), '$event1', '❤')] }, { hub })
    expect([...shared.reacted]).to.deep.equal([
      ['15550000001 m0', '❤'],
      ['15550000002 b1', '❤'],
    ])
    removeFolder(shared.folder)
  })
})
