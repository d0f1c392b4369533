import { expect } from 'chai'
import type { InboundEvent } from '../../../../bridges/kit/connector.ts'
import { rememberedMs } from '../../../../bridges/kit/inbound/repeats.ts'
import { forgetChanges } from '../../../../bridges/kit/store/changes.store.ts'
import { forgetInbox } from '../../../../bridges/kit/store/inbox.store.ts'
import { forgetSends } from '../../../../bridges/kit/store/messages.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { pixel } from '../cards-files.ts'
import { account, createWorld, messagesIn, openKit, type World } from '../house-of-cards.ts'
import { selectNewInbox } from '../queues.ts'
import { about, alice, ana, ben, live, reactionsIn, said, text, wrote } from '../story.ts'

const dayMs = 86_400_000

describe('what the network tells again or late', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello')], posted: [wrote('$a', alice, text('hi'))] })
    await live(world, { posted: [wrote('$a', alice, text('hi'))] })
  })
  afterEach(() => removeFolder(world.folder))

  const react = (emoji: string | undefined, at: number) => about(ana, 'reaction', 'w1', { ...(emoji ? { emoji } : {}), at })
  const unsupported = (id: string): InboundEvent => ({ type: 'unsupported', account, own: false, chat: ana, id, nativeType: 'unknown' })
  const picture: InboundEvent = {
    ...{ type: 'media', account, own: false, chat: ana, id: 'p1', text: 'my bike' },
    media: [{ kind: 'image', source: { id: 'f1' } }],
  }

  /** Time passes, and what is old enough is forgotten as a running bridge forgets it. */
  async function pass(days: number): Promise<void> {
    world.now += days * dayMs
    const kit = await openKit(world)
    forgetInbox(kit.store, world.now - rememberedMs)
    forgetChanges(kit.store, world.now - rememberedMs)
    forgetSends(kit.store, world.now - 9 * dayMs)
    kit.close()
  }
  const effects = () => ({ events: world.events.length, redactions: world.redactions.length, sent: world.sent.length })

  for (const days of [8, 15, 29, 39, 60]) {
    it(`has had its one effect, whatever it is, when it comes again after ${days} days`, async () => {
      world.remoteFiles.set('f1', pixel)
      const at = world.now
      const heard: InboundEvent[] = [
        said(ana, 'w2', 'second', { at }),
        picture,
        unsupported('u1'),
        react('👍', at + 1),
        react(undefined, at + 2),
        about(ana, 'edit', 'w1', { text: 'hello!', at }),
        about(ana, 'edit', 'm0', { text: 'changed', at }),
        about(ana, 'deleted', 'w2', { at: at + 3 }),
        about(ana, 'deleted', 'm0', { at: at + 3 }),
      ]
      await live(world, { heard })
      const before = effects()
      await pass(days)
      await live(world, { heard })
      await live(world, { heard: [...heard].reverse() })
      expect(effects()).to.deep.equal(before)
      expect(reactionsIn(world)).to.deep.equal([])
    })
  }

  it('does not bring a reaction back that was taken back after it, in whatever order the two come', async () => {
    const at = world.now
    await live(world, { heard: [react(undefined, at)] })
    await live(world, { heard: [react('👍', at - 1000)] })
    expect(reactionsIn(world)).to.deep.equal([])
    await live(world, { heard: [react('❤', at + 1000)] })
    await live(world, { heard: [react(undefined, at + 500), react('😂', at + 900)] })
    expect(reactionsIn(world)).to.deep.equal(['ghost ❤ on $event0'])
  })

  it('orders reactions by the network’s clock, also when it is far ahead of ours', async () => {
    await live(world, { heard: [react('👍', world.now + 4 * 60_000)] })
    await live(world, { heard: [react('❤', world.now + 6 * 60_000)] })
    expect(reactionsIn(world)).to.deep.equal(['ghost ❤ on $event0'])
  })

  it('does not put an older correction over a newer one, nor any after the message was taken back', async () => {
    const at = world.now
    await live(world, { heard: [about(ana, 'edit', 'w1', { text: 'newest', at })] })
    await live(world, { heard: [about(ana, 'edit', 'w1', { text: 'older', at: at - 1000 })] })
    await live(world, { heard: [about(ana, 'deleted', 'w1', { at: at + 2000 })] })
    await live(world, { heard: [about(ana, 'edit', 'w1', { text: 'late', at: at + 1000 }), react('👍', at + 1000)] })
    expect(messagesIn(world)).to.deep.equal(['ghost: hello', 'ghost: * newest'])
    expect(world.redactions).to.have.length(1)
    expect(reactionsIn(world)).to.deep.equal([])
  })

  it('does not give somebody’s number back to who had it long ago', async () => {
    const person = (phone: string, user?: string) =>
      ({ ids: [...(user ? [{ kind: 'bsuid', value: user }] : []), { kind: 'phone', value: phone }] }) as unknown as typeof ana
    await live(world, { heard: [said(person('15550000005', 'US.mia'), 'm1', 'I am Mia')] })
    const moved = { type: 'identity', account, chat: person('15550000009'), was: person('15550000005'), at: world.now } as const
    await live(world, { heard: [moved] })
    await pass(60)
    await live(world, { heard: [said(person('15550000005', 'US.zoe'), 'z1', 'I am Zoe')] })
    await live(world, { heard: [moved, said(person('15550000009'), 'm9', 'still Mia')] })
    const rooms = new Map(world.events.map(({ clear, room }) => [clear['body'], room]))
    expect(rooms.get('still Mia')).to.equal(rooms.get('I am Mia'))
    expect(rooms.get('I am Zoe')).to.not.equal(rooms.get('I am Mia'))
  })

  it('is not taken for the echo of a file whose fate is not known', async () => {
    world.remoteFiles.set('f1', pixel)
    world.files.set('mxc://hs.test/bike', pixel)
    const echo: InboundEvent = { ...picture, own: true, id: 'e1' }
    await live(world, { heard: [echo] })
    await pass(60)
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await live(world, { heard: [said(ana, 'w3', 'still there?')] })
    const content = { msgtype: 'm.image', body: 'bike.png', file: { url: 'mxc://hs.test/bike' }, info: { mimetype: 'image/png' } }
    await live(world, { posted: [wrote('$bike', alice, content)] })
    const stateOf = async () => {
      const kit = await openKit(world)
      const state = kit.store.database.prepare("SELECT state FROM outbox WHERE event = '$bike'").pluck().get()
      kit.close()
      return state
    }
    expect(await stateOf()).to.equal('unknown')
    await live(world, { heard: [echo] })
    expect(await stateOf()).to.equal('unknown')
    await live(world, { heard: [{ ...echo, id: 'e2' }] })
    expect(await stateOf()).to.equal('submitted')
  })

  it('puts what it was in the place of a note about it, wherever the process ends, and not the other way round', async () => {
    world.remoteFiles.set('f1', pixel)
    const notes = [unsupported('w5'), unsupported('p1'), said(ben, 'b1', 'and me')]
    const contents = [said(ana, 'w5', 'what I meant'), picture]
    await live(world, { heard: notes })
    const probe = await live(world, { heard: contents })
    expect(probe).to.include('placeholder redacted')
    for (let at = 1; at <= probe.length; at++) {
      const again = createWorld(temporaryFolder())
      again.remoteFiles.set('f1', pixel)
      await live(again, { heard: notes })
      await live(again, { heard: contents }, { crashAt: at })
      await live(again, { heard: contents })
      await live(again, { heard: notes.map((note) => ({ ...note, at: 1 })) })
      const redacted = new Set(again.redactions.map(({ event }) => event))
      const standing = again.events.filter(({ id, clear }) => !redacted.has(id) && clear['body'] !== undefined)
      const bodies = standing.map(({ clear }) => clear['body'])
      expect(bodies, probe[at - 1]).to.deep.equal(['and me', 'what I meant', 'my bike'])
      expect(again.redactions, probe[at - 1]).to.have.length(2)
      removeFolder(again.folder)
    }
  })

  it('waits in its order and is not forgotten while it is at work', async () => {
    await live(world, { heard: [about(ana, 'reaction', 'never', { emoji: '👍', at: world.now })] })
    await pass(60)
    const kit = await openKit(world)
    expect(kit.store.database.prepare('SELECT state FROM inbox').pluck().all()).to.deep.equal(['waiting'])
    expect(selectNewInbox(kit.store, 0, 10)).to.deep.equal([])
    kit.close()
  })
})
