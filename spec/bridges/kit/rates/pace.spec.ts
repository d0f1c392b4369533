import { expect } from 'chai'
import { createChores } from '../../../../bridges/kit/chores.ts'
import type { Rates } from '../../../../bridges/kit/connector.ts'
import { Paced } from '../../../../bridges/kit/feed.ts'
import { accept, applyItem } from '../../../../bridges/kit/inbox.ts'
import type { Kit } from '../../../../bridges/kit/kit.ts'
import type { RoomActions } from '../../../../bridges/kit/matrix/rooms.ts'
import { createOutbox, submit } from '../../../../bridges/kit/outbox.ts'
import { tellPaced } from '../../../../bridges/kit/rates/tell.ts'
import { insertOutbox, selectOutboxByKey } from '../../../../bridges/kit/store/outbox.store.ts'
import { createBuckets } from '../../../../bridges/sandbox/rate.ts'
import { removeFolder, temporaryFolder } from '../../../support/processes.ts'
import { randomNumbers } from '../../../support/random-json.ts'
import { createWorld, messagesIn, openKit, type World } from '../house-of-cards.ts'
import { selectNewInbox, selectQueued } from '../queues.ts'
import { ana, ben, said } from '../story.ts'

describe('the pace at which a bridge sends', () => {
  let world: World
  let kit: Kit & { close(): void }
  beforeEach(() => {
    world = createWorld(temporaryFolder())
  })
  afterEach(() => {
    kit.close()
    removeFolder(world.folder)
  })

  /** A bridge on the world whose network takes messages at these rates; Ana and Ben have written. */
  async function open(rates: Rates, clock?: () => number): Promise<void> {
    const opened = await openKit(world)
    kit = { ...opened, connector: { ...opened.connector, rates }, ...(clock ? { clock } : {}) }
    const hellos = [said(ana, 'w1', 'hello'), said(ben, 'w2', 'hello')]
    accept(
      kit,
      hellos.map((event) => ({ dedupKey: JSON.stringify(event), raw: JSON.stringify(event) })),
    )
    for (const row of selectNewInbox(kit.store, 0, 10)) await applyItem(kit, row)
  }
  const portals = () => kit.store.database.prepare<[], string>('SELECT portal FROM portals ORDER BY rowid').pluck().all()
  let keys = 0
  /** Queues a text for Ana (0) or Ben (1); gives its key. */
  function queue(person: 0 | 1, text: string): string {
    const key = `key${keys++}`
    const portal = portals()[person] ?? ''
    const row = { key, kind: 'text', target: null, event: `$${key}`, room: `!room${person}`, portal, part: 1, parts: 1 } as const
    const payload = kit.vault.seal(text, `outbox ${key}`)
    insertOutbox(kit.store, { ...row, payload, state: 'queued', class: null, words: null, author: null, lead: 0 }, kit.clock())
    return key
  }
  /** Tries to send; gives how long to wait when it is not the time. */
  async function trySend(key: string): Promise<number | undefined> {
    try {
      await submit(kit, selectOutboxByKey(kit.store, key)?.seq ?? 0)
      return undefined
    } catch (error) {
      if (error instanceof Paced) return error.afterMs
      throw error
    }
  }
  /** One of the four is kept in reserve. */
  const pair: Rates = { chat: { burst: 4, everyMs: 6000 } }

  it('lets as many go at once as the network documents, then one after another, and holds no other chat', async () => {
    await open(pair)
    for (let n = 0; n < 3; n++) expect(await trySend(queue(0, `a${n}`))).to.equal(undefined)
    const fourth = queue(0, 'a3')
    expect(await trySend(fourth)).to.equal(6000)
    expect(await trySend(queue(1, 'b0'))).to.equal(undefined)
    world.now += 5999
    expect(await trySend(fourth)).to.equal(1)
    expect(selectOutboxByKey(kit.store, fourth)?.state).to.equal('queued')
    world.now += 1
    expect(await trySend(fourth)).to.equal(undefined)
    expect(await trySend(queue(0, 'a4'))).to.equal(6000)
    expect(world.sent.map(({ text }) => text)).to.deep.equal(['a0', 'a1', 'a2', 'b0', 'a3'])
  })

  it('is known after the process was started again, and longer by nothing when the clock was set back', async () => {
    await open(pair)
    for (let n = 0; n < 3; n++) await trySend(queue(0, `a${n}`))
    kit.close()
    world.now += 2000
    await open(pair)
    const next = queue(0, 'a3')
    expect(await trySend(next)).to.equal(4000)
    world.now -= 86_400_000
    expect(await trySend(next)).to.equal(6000)
  })

  it('is soon what it was after the clock was set back, for a chat and for an account', async () => {
    await open({ ...pair, account: { burst: 1, everyMs: 50 } })
    await trySend(queue(0, 'a0'))
    const [mine, other] = [queue(0, 'a1'), queue(1, 'b1')]
    for (const key of [mine, other]) await trySend(key)
    for (const key of [mine, other]) {
      world.now -= 3_600_000
      const waited = world.now
      for (let wait = await trySend(key); wait !== undefined; wait = await trySend(key)) {
        expect(wait).to.be.at.most(6000)
        world.now += wait
        if (world.now - waited > 60_000) break
      }
      expect(selectOutboxByKey(kit.store, key)?.state).to.equal('submitted')
    }
  })

  it('never runs into the limit of a network that counts as it documents, at whatever times there is something to send', async () => {
    const random = randomNumbers(7)
    await open({ chat: { burst: 5, everyMs: 600 }, account: { burst: 8, everyMs: 100 } })
    const clock = { now: () => world.now } as Parameters<typeof createBuckets>[0]
    const limits = { chat: createBuckets(clock, 5, 600), account: createBuckets(clock, 8, 100) }
    const waiting: [string[], string[]] = [[], []]
    let sent = 0
    for (let step = 0; step < 400; step++) {
      world.now += Math.floor(random() ** 3 * 400)
      const person = random() < 0.6 ? 0 : 1
      if (waiting[person].length < 3) waiting[person].push(queue(person, `${step}`))
      const [key = ''] = waiting[person]
      if ((await trySend(key)) !== undefined) continue
      waiting[person].shift()
      sent++
      expect([limits.chat.take(String(person)), limits.account.take('')], `step ${step}`).to.deep.equal([true, true])
    }
    expect(sent).to.be.within(50, 400)
  })

  it('is not what the network says it is: its own word goes before, and nothing is left of what was thought to be', async () => {
    await open(pair)
    world.answers.push(() => ({ kind: 'retry', class: 'pair_rate', words: 'Slower.', retryAfterMs: 20_000 }))
    const first = queue(0, 'a0')
    const error = await submit(kit, selectOutboxByKey(kit.store, first)?.seq ?? 0).catch((caught: unknown) => caught)
    expect(error).to.include({ afterMs: 20_000 })
    expect(await trySend(first)).to.equal(6000)
    expect(await trySend(queue(1, 'b0'))).to.equal(undefined)
    world.now += 6000
    expect(await trySend(first)).to.equal(undefined)
  })

  it('tells those who wait for one account different times', async () => {
    await open({ account: { burst: 1, everyMs: 50 } })
    await trySend(queue(0, 'a0'))
    const waits = [await trySend(queue(0, 'a1')), await trySend(queue(1, 'b1')), await trySend(queue(0, 'a2'))]
    expect(waits).to.deep.equal([50, 100, 150])
  })

  it('is kept by the queue: in order, without holding another chat, and faster than anybody tries again', async () => {
    await open({ chat: { burst: 3, everyMs: 40 } }, Date.now)
    for (let n = 0; n < 6; n++) queue(0, `a${n}`)
    queue(1, 'b0')
    const feed = createOutbox(kit, () => undefined)
    feed.wake()
    await feed.idle()
    await feed.stop()
    const texts = world.sent.map(({ text }) => text)
    expect(texts.filter((text) => text.startsWith('a'))).to.deep.equal(['a0', 'a1', 'a2', 'a3', 'a4', 'a5'])
    expect(texts.indexOf('b0')).to.be.at.most(2)
    expect(selectQueued(kit.store, 0, 10)).to.deep.equal([])
  })

  it('is told in the room in words when something has waited for over a minute, once until all has gone', async () => {
    await open(pair)
    const chores = createChores(kit, { isEncrypted: async () => true } as Partial<RoomActions> as RoomActions)
    const notices = async () => {
      chores.wake()
      await chores.idle()
      return messagesIn(world).filter((line) => line.startsWith('bot: WhatsApp takes'))
    }
    for (let n = 0; n < 3; n++) await trySend(queue(0, `a${n}`))
    const waiting = Array.from({ length: 20 }, (_, n) => queue(0, `w${n}`))
    queue(1, 'b0')
    expect(tellPaced(kit)).to.equal(false)
    for (let n = 0; n < 10; n++) {
      world.now += 6000
      await trySend(waiting[n] ?? '')
    }
    expect(tellPaced(kit)).to.equal(true)
    const words = 'bot: WhatsApp takes one message in 6 seconds for Ana now. 10 wait and go out by themselves, the last in about 1 minute.'
    expect(await notices()).to.deep.equal([words])
    world.now += 6000
    await trySend(waiting[10] ?? '')
    expect(tellPaced(kit)).to.equal(false)
    world.now += 18_000
    expect(tellPaced(kit)).to.equal(false)
    for (let n = 11; n < 14; n++) await trySend(waiting[n] ?? '')
    world.now += 1000
    expect(tellPaced(kit)).to.equal(true)
    expect(await notices()).to.have.length(2)
    await chores.stop()
  })
})
