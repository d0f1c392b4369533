import { expect } from 'chai'
import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { queuePart } from '../../../bridges/kit/hub/relay.ts'
import { showStatuses } from '../../../bridges/kit/outbound/status.ts'
import { selectUnshown, updateOutbox } from '../../../bridges/kit/store/outbox.store.ts'
import { selectPortalsIn } from '../../../bridges/kit/store/portals.store.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { account, createWorld, messagesIn, openKit, type World } from './house-of-cards.ts'
import { selectQueued } from './queues.ts'
import { alice, ana, ben, hub, live, reacted, said, text, wrote } from './story.ts'

describe('what became of a message, as the room sees it', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await live(world, { heard: [said(ana, 'a1', 'one'), said(ben, 'b1', 'two')] }, { hub })
    await live(world, { posted: [wrote('$a', alice, text('hi'))] }, { hub })
  })
  afterEach(() => removeFolder(world.folder))

  const news = (tag: number, state: string): InboundEvent => ({
    ...({ type: 'status', account, state } as unknown as InboundEvent & { type: 'status' }),
    ...{ id: `m${tag}` },
  })
  const states = (type = 'org.tombolo.delivery') =>
    world.events
      .filter((event) => event.type === type && (event.clear['m.relates_to'] as Record<string, unknown>)['event_id'] === '$a')
      .map(({ clear }) => clear['state'] ?? clear['status'])
  const last = () => world.sent.length - 1

  it('is one state for all chats of a hub, told when it is so in all of them', async () => {
    expect(states()).to.deep.equal(['sent'])
    await live(world, { heard: [news(last(), 'sent'), news(last(), 'delivered')] }, { hub })
    expect(states()).to.deep.equal(['sent'])
    await live(world, { heard: [news(last() - 1, 'read')] }, { hub })
    expect(states()).to.deep.equal(['sent', 'delivered'])
    expect(world.receipts).to.have.length(1)
    await live(world, { heard: [news(last(), 'read')] }, { hub })
    expect(states()).to.deep.equal(['sent', 'delivered', 'read'])
    expect(world.receipts).to.have.length(2)
    expect(states('com.beeper.message_send_status')).to.deep.equal(['SUCCESS', 'SUCCESS'])
  })

  it('is shown for all, also when more changed than are looked at in one round', async () => {
    const kit = await openKit(world, { hub })
    const chat = selectPortalsIn(kit.store, '!room0')[0]!
    kit.store.atomically(() => {
      for (let at = 0; at < 501; at++) queuePart(kit, { event: `$n${at}`, room: '!room0', portal: chat.portal }, 'never sent')
      for (const row of selectQueued(kit.store, 0, 501)) updateOutbox(kit.store, row, { state: 'cancelled' }, kit.clock())
    })
    expect(await showStatuses(kit, new AbortController().signal)).to.equal(0)
    expect(await showStatuses(kit, new AbortController().signal)).to.equal(undefined)
    expect(selectUnshown(kit.store, 1)).to.deep.equal([])
    kit.close()
  })

  it('names those for whom the same went wrong in one notice, and again nobody', async () => {
    world.answers = [1, 2].map(() => () => ({ kind: 'refused', class: 'policy_drop', words: 'Not delivered.' }) as const)
    await live(world, { posted: [wrote('$b', alice, text('again'))] }, { hub })
    await live(world, {}, { hub })
    const notices = messagesIn(world).filter((line) => line.includes('Not delivered.'))
    expect(notices).to.have.length(1)
    expect(notices[0]).to.include('Ana').and.to.include('Ben')
  })

  it('says nothing of a reaction that got there', async () => {
    const before = world.events.length
    await live(world, { posted: [reacted('$r', alice, '$event0', '👍')] }, { hub })
    expect(world.reacted.size).to.be.greaterThan(0)
    expect(world.events).to.have.length(before)
  })
})
