import { expect } from 'chai'
import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { Later } from '../../../bridges/kit/feed.ts'
import { accept, applyItem, applyLateItem } from '../../../bridges/kit/inbox.ts'
import { delayInbox, selectLateInbox } from '../../../bridges/kit/store/inbox.store.ts'
import { selectPortalsIn } from '../../../bridges/kit/store/portals.store.ts'
import { selectHeard } from '../../../bridges/kit/store/windows.store.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { pixel } from './cards-files.ts'
import { account, createWorld, messagesIn, openKit, type World } from './house-of-cards.ts'
import { selectNewInbox } from './queues.ts'
import { about, alice, ana, ben, hub, live, said, text, wrote } from './story.ts'

const picture = (id: string, media: readonly string[], more: object = {}) =>
  ({
    ...{ type: 'media', account, own: false, chat: ana, id, media: media.map((file) => ({ kind: 'image', source: { id: file } })) },
    ...more,
  }) as unknown as InboundEvent
const waiting = 'Sent a picture that is still being fetched. It comes as soon as it can be had.'
const came = 'Sent a picture. It came later and stands below.'

describe('a file that cannot be had when its message comes', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'w1', 'hello')] })
    world.remoteFiles.set('f1', 'later').set('f2', pixel)
  })
  afterEach(() => removeFolder(world.folder))

  /** Lives on; true when something is still waited for. */
  async function waits(happened: Parameters<typeof live>[1], of = world, options: Parameters<typeof live>[2] = {}): Promise<boolean> {
    try {
      await live(of, happened, options)
      return false
    } catch (error) {
      if (error instanceof Later) return true
      throw error
    }
  }
  const corrections = (of: World = world) =>
    of.events.flatMap(({ clear }) => {
      const relation = clear['m.relates_to'] as { rel_type?: string; event_id?: string } | undefined
      const fresh = clear['m.new_content'] as { body: string } | undefined
      return relation?.rel_type === 'm.replace' && fresh ? [[relation.event_id, fresh.body]] : []
    })
  const files = (of: World = world) => of.events.filter(({ clear }) => clear['file'] !== undefined).map(({ clear }) => clear['body'])

  it('holds up its chat for ten seconds at most; then words take its place, and what comes after it goes on', async () => {
    const heard = [picture('w2', ['f1'], { text: 'my bike' }), said(ana, 'w3', 'do you see it?')]
    expect(await waits({ heard })).to.equal(true)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello'])
    world.now += 10_000
    expect(await waits({})).to.equal(true)
    expect(messagesIn(world)).to.deep.equal(['ghost: hello', `ghost: my bike\n${waiting}`, 'ghost: do you see it?'])
  })

  it('stands in the room once when it comes, and the words in its place say so', async () => {
    await waits({ heard: [picture('w2', ['f1', 'f2'], { text: 'both' })] })
    world.now += 10_000
    await waits({})
    expect(files()).to.deep.equal(['picture.png'])
    world.remoteFiles.set('f1', pixel)
    expect(await waits({})).to.equal(false)
    await live(world, {})
    expect(files()).to.deep.equal(['picture.png', 'both'])
    const held = world.events.find(({ clear }) => clear['body'] === `both\n${waiting}`)
    expect(corrections()).to.deep.equal([[held?.id, `both\n${came}`]])
  })

  it('says once that its person has written, however often it is tried: what was kept for them is tried again once', async () => {
    world.answers = Array(9).fill(() => ({ kind: 'refused', class: 'window_closed', words: 'Too late.' }))
    await waits({ posted: [wrote('$a', alice, text('one'))] })
    expect(world.answers).to.have.length(8)
    await waits({ heard: [picture('w2', ['f1'])] })
    await waits({})
    for (let tries = 0; tries < 4; tries++) {
      world.now += 60_000
      expect(await waits({})).to.equal(true)
    }
    expect(world.answers).to.have.length(7)
    const kit = await openKit(world)
    expect(selectPortalsIn(kit.store, '!room0').map(({ portal }) => selectHeard(kit.store, portal))).to.deep.equal([2])
    kit.close()
  })

  it('is told of in words when it stays away for a quarter of an hour', async () => {
    await waits({ heard: [picture('w2', ['f1'])] })
    world.now += 10_000
    await waits({})
    world.now += 14 * 60_000
    expect(await waits({})).to.equal(true)
    world.now += 60_001
    expect(await waits({})).to.equal(false)
    expect(corrections().map(([, body]) => body)).to.deep.equal([
      'Sent a picture that could not be fetched. The network has trouble of its own. Look into the chat on WhatsApp, or ask for it again.',
    ])
    expect(files()).to.deep.equal([])
  })

  it('is asked for ever more seldom: networks shut out whoever asks in vain too often', async () => {
    await waits({ heard: [picture('w2', ['f1'])] })
    world.now += 10_000
    const pauses = []
    for (const passes of [0, 60_000, 240_000]) {
      world.now += passes
      const error = await live(world, {}).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      pauses.push((error as Later).afterMs)
    }
    expect(pauses).to.deep.equal([30_000, 60_000, 300_000])
  })

  it('does not come any more when it was taken back meanwhile', async () => {
    await waits({ heard: [picture('w2', ['f1'])] })
    world.now += 10_000
    await waits({})
    world.remoteFiles.set('f1', pixel)
    await live(world, { heard: [about(ana, 'deleted', 'w2')] })
    expect(files()).to.deep.equal([])
    expect(world.redactions).to.have.length(1)
  })

  it('does not come any more when it is taken back while it is fetched', async () => {
    await waits({ heard: [picture('w2', ['f1'])] })
    world.now += 10_000
    await waits({})
    world.remoteFiles.set('f1', pixel)
    const kit = await openKit(world)
    const take = kit.files.take
    const [late] = selectLateInbox(kit.store, 0, 1)
    const slow = async (...given: Parameters<typeof take>) => {
      accept(kit, [{ dedupKey: 'gone', raw: JSON.stringify(about(ana, 'deleted', 'w2')) }])
      await applyItem(kit, selectNewInbox(kit.store, 0, 1)[0]!)
      return take(...given)
    }
    await applyLateItem({ ...kit, files: { ...kit.files, take: slow } }, late!)
    kit.close()
    expect(files()).to.deep.equal([])
  })

  it('is not passed over when a later one was late before it', async () => {
    const kit = await openKit(world)
    const items = ['w2', 'w3'].map((id) => ({ dedupKey: id, raw: JSON.stringify(picture(id, ['f1'])) }))
    expect(accept(kit, items)).to.equal(2)
    const [early, later] = selectNewInbox(kit.store, 0, 2)
    delayInbox(kit.store, later!)
    const [taken] = selectLateInbox(kit.store, 0, 10)
    delayInbox(kit.store, early!)
    expect(selectLateInbox(kit.store, taken!.seq, 10).map(({ dedup }) => dedup)).to.deep.equal([early!.dedup])
    expect(accept(kit, items)).to.equal(0)
    kit.close()
  })

  it('reaches the others in a shared room when it comes, and not before', async () => {
    const room = createWorld(temporaryFolder())
    room.remoteFiles.set('f1', 'later')
    await live(room, { heard: [said(ana, 'a1', 'one'), said(ben, 'b1', 'two')] }, { hub })
    const before = room.sent.length
    await waits({ heard: [picture('a2', ['f1'])] }, room, { hub })
    room.now += 10_000
    await waits({}, room, { hub })
    expect(room.sent).to.have.length(before)
    room.remoteFiles.set('f1', pixel)
    await live(room, {}, { hub })
    expect(room.sent.filter(({ media }) => media !== undefined)).to.have.length(1)
    removeFolder(room.folder)
  })

  it('stands there once, and its words end once, wherever the process ends', async () => {
    const tell = async (of: World, crashAt?: number) => {
      const passed: string[] = []
      await live(of, { heard: [said(ana, 'w1', 'hello')] })
      of.remoteFiles.set('f1', 'later')
      await waits({ heard: [picture('w2', ['f1'])] }, of)
      of.now += 10_000
      await waits({}, of, crashAt === undefined ? {} : { crashAt })
      of.remoteFiles.set('f1', pixel)
      passed.push(...(await live(of, {}, crashAt === undefined ? {} : { crashAt })))
      await live(of, {})
      return passed.length
    }
    const points = await tell(createWorld(temporaryFolder()))
    for (let at = 1; at <= points; at++) {
      const again = createWorld(temporaryFolder())
      await tell(again, at)
      expect(files(again), String(at)).to.deep.equal(['picture.png'])
      const held = again.events.filter(({ clear }) => clear['body'] === waiting)
      expect(
        corrections(again).map(([, body]) => body),
        String(at),
      ).to.deep.equal(held.map(() => came))
      removeFolder(again.folder)
    }
  })
})
