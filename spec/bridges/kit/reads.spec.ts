import { expect } from 'chai'
import type { Kit } from '../../../bridges/kit/kit.ts'
import { createTyping, tellReads } from '../../../bridges/kit/outbound/ephemeral.ts'
import { insertMatrixEvent, insertTransaction, selectNewTransactions } from '../../../bridges/kit/store/transactions.store.ts'
import { drain } from '../../../bridges/kit/transactions.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { createWorld, openKit, type World } from './house-of-cards.ts'
import { alice, ana, ben, ghostOf, hub, live, said } from './story.ts'

describe('what is read and typed in a room', () => {
  let world: World
  let kit: Kit & { close(): void }
  let txns = 0
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => {
    kit.close()
    removeFolder(world.folder)
  })

  /** The person of each chat has written; the homeserver has told us of these events, and of a notice after them. */
  async function meet(options: Parameters<typeof live>[2] = {}, heard = [said(ana, 'w1', 'one'), said(ana, 'w2', 'two')]): Promise<void> {
    await live(world, { heard }, options)
    kit = await openKit(world, options)
    for (const { id } of [...world.events, { id: '$notice' }]) insertMatrixEvent(kit.store, id, '!room0', Buffer.from('{}'), kit.clock())
  }
  async function told(...ephemeral: object[]): Promise<void> {
    insertTransaction(kit.store, `t${txns++}`, Buffer.from(JSON.stringify({ events: [], ephemeral })), kit.clock())
    for (const row of selectNewTransactions(kit.store, 0, 10)) await drain(kit, row)
    await tellReads(kit)
  }
  const receipt = (event: string, user: string, type = 'm.read') => ({
    ...{ type: 'm.receipt', room_id: '!room0' },
    content: { [event]: { [type]: { [user]: { ts: 1 } } } },
  })
  const typing = (...users: string[]) => ({ ephemeral: [{ type: 'm.typing', room_id: '!room0', content: { user_ids: users } }] })

  it('is read on the network up to the newest message of theirs before it, and never back', async () => {
    await meet()
    await told(receipt('$event0', alice))
    await told(receipt('$notice', alice))
    await told(receipt('$event0', '@bob:hs.test'))
    expect(world.marked).to.deep.equal(['15550000001 w1', '15550000001 w2'])
  })

  it('is not told twice, nor when it was read in private, by ghosts, bots, or of events that nobody knows', async () => {
    await meet()
    await told(receipt('$event1', alice))
    await told(receipt('$event1', alice), receipt('$event1', '@_messenger_bot:hs.test'))
    const before = world.marked.length
    await told(receipt('$notice', alice, 'm.read.private'), receipt('$notice', ghostOf('messenger')), receipt('$gone', alice))
    expect([before, world.marked.length]).to.deep.equal([1, 1])
  })

  it('is told after the process was started again', async () => {
    await meet()
    insertTransaction(kit.store, 'last', Buffer.from(JSON.stringify({ events: [], ephemeral: [receipt('$event1', alice)] })), kit.clock())
    for (const row of selectNewTransactions(kit.store, 0, 10)) await drain(kit, row)
    kit.close()
    kit = await openKit(world)
    await tellReads(kit)
    expect(world.marked).to.deep.equal(['15550000001 w2'])
  })

  it('is in a shared room what its owner reads, and typing stays there', async () => {
    await meet({ hub }, [said(ana, 'a1', 'one'), said(ben, 'b1', 'two')])
    await told(receipt('$event1', '@guest:hs.test'))
    expect(world.marked).to.deep.equal([])
    await told(receipt('$event1', alice))
    expect([...world.marked].sort()).to.deep.equal(['15550000001 a1', '15550000002 b1'])
    await createTyping(kit)(typing(alice))
    expect(world.typed).to.deep.equal([])
  })

  it('shows typing under what was read openly, not more often than needed, until it ends', async () => {
    await meet()
    const show = createTyping(kit)
    await show(typing(alice))
    await told(receipt('$event1', alice))
    world.now += 10_000
    await show(typing(alice))
    world.now += 10_000
    await show(typing(alice, ghostOf('whatsapp')))
    await show(typing())
    await show(typing())
    expect(world.typed).to.deep.equal(['15550000001 true undefined', '15550000001 true w2', '15550000001 false w2'])
  })
})
