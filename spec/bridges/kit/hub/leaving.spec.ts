import { expect } from 'chai'
import type { InboundEvent } from '../../../../bridges/kit/connector.ts'
import { Later } from '../../../../bridges/kit/feed.ts'
import { leave } from '../../../../bridges/kit/hub/consent.ts'
import { ensureHub } from '../../../../bridges/kit/hub/room.ts'
import type { HubPlan } from '../../../../bridges/kit/kit.ts'
import { applyMatrixEvent } from '../../../../bridges/kit/outbound/message.ts'
import { submit } from '../../../../bridges/kit/outbox.ts'
import { selectAllParts, selectOutbox } from '../../../../bridges/kit/store/outbox.store.ts'
import { selectPortalsIn } from '../../../../bridges/kit/store/portals.store.ts'
import { insertMatrixEvent } from '../../../../bridges/kit/store/transactions.store.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { pixel } from '../cards-files.ts'
import { account, bot, createWorld, openKit, type World } from '../house-of-cards.ts'
import { selectNewMatrixEvents, selectQueued } from '../queues.ts'
import { about, alice, ana, ben, hub as configured, live, said, text, wrote } from '../story.ts'

const asking: HubPlan = { ...configured, consent: 'ask' }
const picture = (id: string, file: string) =>
  ({ type: 'media', account, own: false, chat: ana, id, media: [{ kind: 'image', source: { id: file } }] }) as unknown as InboundEvent
const shared = '!room0'
const hour = 3_600_000

describe('what belongs to the time before a shared room, or after it', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    const kit = await openKit(world, { hub: asking })
    await ensureHub(kit)
    kit.close()
  })
  afterEach(() => removeFolder(world.folder))

  async function lives(happened: Parameters<typeof live>[1], hub = asking): Promise<void> {
    await live(world, happened, { hub }).catch((error: unknown) => {
      if (!(error instanceof Later)) throw error
    })
  }
  const inShared = () =>
    world.events.filter(({ room, type }) => room === shared && type === 'm.room.encrypted').map(({ clear }) => String(clear['body']))
  const inOwn = () =>
    world.events.filter(({ room, type }) => room !== shared && type === 'm.room.encrypted').map(({ clear }) => String(clear['body']))

  it('keeps a file that was sent before YES and comes after it in the room of its own', async () => {
    world.remoteFiles.set('f1', 'later')
    await lives({ heard: [said(ana, 'a1', 'hello'), picture('a2', 'f1')] })
    world.now += 10_000
    await lives({})
    await lives({ heard: [said(ana, 'a3', 'yes'), said(ana, 'a4', 'here I am')] })
    world.remoteFiles.set('f1', pixel)
    await lives({})
    expect(inShared()).to.deep.equal(['here I am'])
    expect(inOwn()).to.include('picture.png')
  })

  it('keeps a correction of what was said before YES in the room of its own', async () => {
    await lives({ heard: [said(ana, 'a1', 'my secret'), said(ana, 'a2', 'yes')] })
    await lives({ heard: [about(ana, 'edit', 'a1', { text: 'my other secret' })] })
    expect(inShared()).to.deep.equal([])
    expect(inOwn().at(-1)).to.equal('* my other secret')
  })

  it('brings nothing into a shared room whose person has written STOP', async () => {
    world.remoteFiles.set('f1', 'later')
    await lives({ heard: [said(ana, 'a1', 'hello'), said(ana, 'a2', 'yes'), said(ana, 'a3', 'in the room'), picture('a4', 'f1')] })
    world.now += 10_000
    await lives({})
    await lives({ heard: [said(ana, 'a5', 'stop')] })
    const before = world.events.filter(({ room }) => room === shared).length
    world.remoteFiles.set('f1', pixel)
    await lives({ heard: [about(ana, 'edit', 'a3', { text: 'changed' }), about(ana, 'reaction', 'a3', { emoji: '👍' })] })
    expect(world.events.filter(({ room }) => room === shared)).to.have.length(before)
  })

  it('still takes back there what they take back after STOP, without telling who they are', async () => {
    await lives({ heard: [said(ben, 'b1', 'yo'), said(ben, 'b2', 'yes'), said(ana, 'a1', 'hello'), said(ana, 'a2', 'yes')] })
    await lives({ heard: [said(ana, 'a3', 'NAME Shadow'), said(ana, 'a4', 'regret'), said(ana, 'a5', 'stop')] })
    await lives({ heard: [about(ana, 'deleted', 'a4')] })
    const regret = world.events.find(({ clear }) => clear['body'] === 'regret')
    expect(world.redactions.map(({ room, sender, event }) => [room, sender, event])).to.deep.equal([[shared, bot, regret?.id]])
    expect(world.sent.at(-1)).to.include({ to: '15550000002', text: '🗑 This message was taken back.' })
  })

  it('sends nothing more to a person who has written STOP, however often it was tried before', async () => {
    await lives({ heard: [said(ana, 'a1', 'hello'), said(ana, 'a2', 'yes')] })
    const before = world.sent.length
    const kit = await openKit(world, { hub: asking })
    const event = wrote('$m', alice, text('too late'))
    insertMatrixEvent(kit.store, '$m', shared, Buffer.from(JSON.stringify(event)), kit.clock())
    await applyMatrixEvent(kit, selectNewMatrixEvents(kit.store, 0, 1)[0]!.seq, event)
    const [part] = selectQueued(kit.store, 0, 1)
    const [chat] = selectPortalsIn(kit.store, shared)
    world.answers = [
      () => {
        kit.store.atomically(() => leave(kit, chat!, shared, 'stopped', 'stop'))
        return { kind: 'retry', class: 'pair_limit', words: 'Slower.' }
      },
    ]
    await submit(kit, part!.seq).catch(() => undefined)
    await submit(kit, part!.seq)
    expect(world.sent).to.have.length(before)
    expect(selectOutbox(kit.store, part!.seq)?.state).to.equal('cancelled')
    kit.close()
  })

  it('is called off for good when it was kept there for a person who has left since', async () => {
    await lives({ heard: [said(ana, 'a1', 'hello', { at: world.now }), said(ana, 'a2', 'yes', { at: world.now })] })
    world.now += 25 * hour
    await lives({ posted: [wrote('$a', alice, text('one'))] })
    const kit = await openKit(world, { hub: asking })
    const [chat] = selectPortalsIn(kit.store, shared)
    const [{ seq } = { seq: 0 }] = selectAllParts(kit.store, '$a')
    expect(selectOutbox(kit.store, seq)).to.include({ state: 'queued', class: 'window_closed' })
    kit.store.atomically(() => leave(kit, chat!, shared, 'removed', 'key'))
    kit.close()
    world.now += 73 * hour
    await lives({})
    const later = await openKit(world, { hub: asking })
    expect(selectOutbox(later.store, seq)?.state).to.equal('cancelled')
    later.close()
    expect(inShared().filter((body) => body.includes('This was kept for'))).to.deep.equal([])
  })

  it('is told of in the shared room under the name that the person had there', async () => {
    await lives({ heard: [said(ana, 'a1', 'hello'), said(ana, 'a2', 'yes'), said(ana, 'a3', 'NAME Shadow')] })
    await lives({ posted: [wrote('$m', alice, text('welcome'))] })
    const { key } = world.sent.at(-1)!
    await lives({ heard: [said(ana, 'a4', 'stop')] })
    const status = {
      type: 'status',
      account,
      id: 'm-late',
      tag: key,
      state: 'failed',
      failure: { class: 'other', words: 'It did not arrive.' },
    }
    await lives({ heard: [status as unknown as InboundEvent] })
    expect(inShared().at(-1)).to.match(/^Shadow: It did not arrive\.\n/)
  })
})
