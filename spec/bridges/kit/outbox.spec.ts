import { expect } from 'chai'
import type { InboundEvent } from '../../../bridges/kit/connector.ts'
import { accept, applyItem } from '../../../bridges/kit/inbox.ts'
import type { Kit } from '../../../bridges/kit/kit.ts'
import type { MatrixEvent } from '../../../bridges/kit/matrix/event.ts'
import { applyMatrixEvent } from '../../../bridges/kit/outbound/message.ts'
import { showStatuses } from '../../../bridges/kit/outbound/status.ts'
import { abandonInterrupted, submit } from '../../../bridges/kit/outbox.ts'
import { forgetPayloads, selectOutbox } from '../../../bridges/kit/store/outbox.store.ts'
import { insertTransaction, selectNewTransactions } from '../../../bridges/kit/store/transactions.store.ts'
import { drain, readEvent } from '../../../bridges/kit/transactions.ts'
import { removeFolder, temporaryFolder } from '../../support/processes.ts'
import { account, Crash, createWorld, messagesIn, openKit, type World } from './house-of-cards.ts'
import { selectNewInbox, selectNewMatrixEvents, selectQueued } from './queues.ts'

const chat = { ids: [{ kind: 'phone', value: '15551234567' }], name: 'Ana' } as const
const written = (id: string, body: string, more: Record<string, unknown> = {}) => ({
  event_id: id,
  room_id: '!room0',
  sender: '@alice:hs.test',
  type: 'm.room.encrypted',
  content: { type: 'm.room.message', plain: { msgtype: 'm.text', body, ...more } },
})

describe('a message to the network', () => {
  let world: World
  beforeEach(async () => {
    world = createWorld(temporaryFolder())
    await meet(world)
  })
  afterEach(() => removeFolder(world.folder))

  /** The chat exists because the person wrote first. */
  async function meet(of: World): Promise<void> {
    const kit = await openKit(of)
    await apply(kit, { type: 'message', account, chat, id: 'w1', own: false, text: 'hello' })
    kit.close()
  }

  async function apply(kit: Kit, ...events: InboundEvent[]): Promise<void> {
    accept(
      kit,
      events.map((event) => ({ dedupKey: JSON.stringify(event), raw: JSON.stringify(event) })),
    )
    for (const row of selectNewInbox(kit.store, 0, 100)) await applyItem(kit, row)
  }

  async function work(kit: Kit): Promise<void> {
    for (const row of selectNewTransactions(kit.store, 0, 100)) await drain(kit, row)
    for (const row of selectNewMatrixEvents(kit.store, 0, 100)) await applyMatrixEvent(kit, row.seq, readEvent(kit, row) as MatrixEvent)
    for (const row of selectQueued(kit.store, 0, 100)) await submit(kit, row.seq)
  }

  /** Starts on the folder, takes the transaction (a homeserver repeats it until it was answered), works until done or crashed. */
  async function run(of: World, events: readonly object[], crashAt?: number): Promise<readonly string[]> {
    const kit = await openKit(of, crashAt === undefined ? {} : { crashAt })
    abandonInterrupted(kit)
    try {
      insertTransaction(kit.store, 'txn1', Buffer.from(JSON.stringify({ events })), kit.clock())
      await work(kit)
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    } finally {
      kit.close()
    }
    return kit.passed
  }

  const stateOf = (kit: Kit) => selectOutbox(kit.store, 1)?.state

  it('arrives once, as it was written', async () => {
    await run(world, [written('$a', 'hi'), written('$b', 'there')])
    await run(world, [written('$a', 'hi'), written('$b', 'there')])
    expect(world.sent.map(({ text }) => text)).to.deep.equal(['hi', 'there'])
  })

  it('is sent at most once wherever the process ends; what may have been sent is called unknown, never sent again', async () => {
    const points = await run(world, [written('$a', 'hi')])
    expect(points).to.include.members([
      'transaction taken',
      'transaction drained',
      'event queued',
      'part submitting',
      'part answered',
      'part settled',
    ])
    for (let at = 1; at <= points.length; at++) {
      const again = createWorld(temporaryFolder())
      await meet(again)
      await run(again, [written('$a', 'hi')], at)
      await run(again, [written('$a', 'hi')])
      const kit = await openKit(again)
      const cutOff = points[at - 1] === 'part submitting' || points[at - 1] === 'part answered'
      expect(again.sent.length, points[at - 1]).to.equal(points[at - 1] === 'part submitting' ? 0 : 1)
      expect(stateOf(kit), points[at - 1]).to.equal(cutOff ? 'unknown' : 'submitted')
      kit.close()
      removeFolder(again.folder)
    }
  })

  it('that was cut off is known as sent when the network’s status brings back its key', async () => {
    await cutOffAtAnswer()
    const kit = await openKit(world)
    abandonInterrupted(kit)
    expect(stateOf(kit)).to.equal('unknown')
    await apply(kit, { type: 'status', account, id: 'wamid.x', tag: world.sent[0]!.key, state: 'delivered' })
    expect(stateOf(kit)).to.equal('delivered')
    await work(kit)
    expect(world.sent).to.have.length(1)
    kit.close()
  })

  it('that was cut off is known as sent when an echo brings its text, and the echo is not shown', async () => {
    await cutOffAtAnswer()
    const kit = await openKit(world)
    abandonInterrupted(kit)
    const before = messagesIn(world).length
    await apply(kit, { type: 'message', account, chat, id: 'wamid.x', own: true, text: 'hi' })
    expect(stateOf(kit)).to.equal('submitted')
    expect(messagesIn(world)).to.have.length(before)
    kit.close()
  })

  async function cutOffAtAnswer(): Promise<void> {
    const probe = createWorld(temporaryFolder())
    await meet(probe)
    const points = await run(probe, [written('$a', 'hi')])
    removeFolder(probe.folder)
    await run(world, [written('$a', 'hi')], points.indexOf('part answered') + 1)
  }

  it('whose outcome the network leaves open is unknown, and the room is told in words after a while', async () => {
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await run(world, [written('$a', 'hi')])
    const kit = await openKit(world)
    expect(await showStatuses(kit, new AbortController().signal)).to.be.greaterThan(0)
    expect(world.events.filter(({ type }) => type === 'org.tombolo.delivery')).to.have.length(0)
    world.now += 60_000
    expect(await showStatuses(kit, new AbortController().signal)).to.equal(undefined)
    expect(messagesIn(world).at(-1)).to.match(/^bot: Ana: It may have been sent\.\nTo send it once more, /)
    expect(world.events.find(({ type }) => type === 'org.tombolo.delivery')?.clear).to.include({ state: 'unknown' })
    kit.close()
  })

  it('that the network refuses is failed in words, once', async () => {
    world.answers = [() => ({ kind: 'refused', class: 'recipient_unreachable', words: 'Nobody is there.' })]
    await run(world, [written('$a', 'hi')])
    for (let n = 0; n < 3; n++) {
      const kit = await openKit(world)
      await showStatuses(kit, new AbortController().signal)
      kit.close()
    }
    const [told, ...more] = messagesIn(world).filter((line) => line.includes('Nobody'))
    expect(told).to.match(/^bot: Ana: Nobody is there\.\n/)
    expect(more).to.deep.equal([])
    const status = world.events.find(({ type }) => type === 'com.beeper.message_send_status')
    expect(status?.clear).to.include({ status: 'FAIL_PERMANENT', network: 'whatsapp' })
  })

  it('that may be tried again is, in its place in the order', async () => {
    world.answers = [() => ({ kind: 'retry', class: 'rate_limited', words: 'Slower.', retryAfterMs: 5 })]
    const kit = await openKit(world)
    insertTransaction(kit.store, 'txn1', Buffer.from(JSON.stringify({ events: [written('$a', 'hi')] })), kit.clock())
    let error: unknown
    await work(kit).catch((caught: unknown) => {
      error = caught
    })
    expect(error).to.include({ name: 'Error', afterMs: 5 })
    expect(stateOf(kit)).to.equal('queued')
    world.now += 5
    await submit(kit, 1)
    expect(world.sent.map(({ text }) => text)).to.deep.equal(['hi'])
    kit.close()
  })

  it('whose try broke off without an end is unknown, and not left as if it were under way', async () => {
    world.answers = [
      () => {
        throw new TypeError('of the bridge’s own making')
      },
    ]
    const kit = await openKit(world)
    insertTransaction(kit.store, 'txn1', Buffer.from(JSON.stringify({ events: [written('$a', 'hi')] })), kit.clock())
    await work(kit).catch(() => undefined)
    expect(stateOf(kit)).to.equal('submitting')
    await submit(kit, 1)
    expect(stateOf(kit)).to.equal('unknown')
    await submit(kit, 1)
    expect(world.sent).to.deep.equal([])
    kit.close()
  })

  it('that nobody sent again is kept for nine days at most; what became of it is still known', async () => {
    world.answers = [() => ({ kind: 'unknown', class: 'network', words: 'It may have been sent.' })]
    await run(world, [written('$a', 'hi')])
    const kit = await openKit(world)
    forgetPayloads(kit.store, world.now)
    expect(selectOutbox(kit.store, 1)?.payload).not.to.equal(null)
    forgetPayloads(kit.store, world.now + 1)
    expect(selectOutbox(kit.store, 1)).to.include({ payload: null, state: 'unknown' })
    kit.close()
  })

  it('is read when the network says so: the ghost’s receipt stands in the room, and late news change nothing', async () => {
    await run(world, [written('$a', 'hi')])
    const kit = await openKit(world)
    const news = (state: 'sent' | 'delivered' | 'read' | 'failed'): InboundEvent => ({ type: 'status', account, id: 'm0', state })
    await apply(kit, news('read'), news('sent'), news('delivered'), news('failed'))
    expect(stateOf(kit)).to.equal('read')
    await showStatuses(kit, new AbortController().signal)
    expect(world.receipts).to.have.length(1)
    expect(world.receipts[0]).to.match(/^@_whatsapp_[a-z2-7]{26}:hs\.test \$a$/)
    kit.close()
  })

  it('learns of states that came before its id', async () => {
    const kit = await openKit(world)
    await apply(kit, { type: 'status', account, id: 'm0', state: 'delivered' })
    insertTransaction(kit.store, 'txn1', Buffer.from(JSON.stringify({ events: [written('$a', 'hi')] })), kit.clock())
    await work(kit)
    expect(stateOf(kit)).to.equal('delivered')
    kit.close()
  })

  it('is read with all before it when the network gives a watermark', async () => {
    await run(world, [written('$a', 'one'), written('$b', 'two'), written('$c', 'three')])
    const kit = await openKit(world)
    await apply(kit, { type: 'watermark', account, chat, state: 'read', ids: ['m1'] })
    expect([1, 2, 3].map((seq) => selectOutbox(kit.store, seq)?.state)).to.deep.equal(['read', 'read', 'submitted'])
    await apply(kit, { type: 'watermark', account, chat, state: 'read', ids: [], upTo: world.now })
    expect(selectOutbox(kit.store, 3)?.state).to.equal('read')
    kit.close()
  })

  it('that is too long goes in parts, in order, and each says which it is', async () => {
    const text = 'abcdefghij'.repeat(15)
    await run(world, [written('$a', text)])
    expect(world.sent.map((part) => part.text.slice(0, 6))).to.deep.equal(['(1/3) ', '(2/3) ', '(3/3) '])
    expect(world.sent.map((part) => part.text.slice(6)).join('')).to.equal(text)
  })

  it('that is of no kind that is carried, or not encrypted, is refused in words and not sent', async () => {
    const plain = { ...written('$c', 'hi'), type: 'm.room.message', content: { msgtype: 'm.text', body: 'hi' } }
    await run(world, [written('$a', 'a game', { msgtype: 'org.example.game' }), plain])
    const kit = await openKit(world)
    await showStatuses(kit, new AbortController().signal)
    expect(world.sent).to.have.length(0)
    expect(world.events.filter(({ clear }) => clear['state'] === 'unsupported')).to.have.length(2)
    kit.close()
  })

  it('by ghosts and the bot, and notices, never leave the room', async () => {
    const ghost = world.events[0]!.sender
    const notice = written('$c', 'beep', { msgtype: 'm.notice' })
    await run(world, [{ ...written('$a', 'hello'), sender: ghost }, { ...written('$b', 'x'), sender: '@_whatsapp_bot:hs.test' }, notice])
    expect(world.sent).to.have.length(0)
  })
})
