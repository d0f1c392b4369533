import { expect } from 'chai'
import type { UserId } from '../../../server/core/ids.ts'
import { selectAllExpired, selectPresence } from '../../../server/presence/presence.store.ts'
import { createPresences } from '../../../server/presence/presence.ts'
import { statement } from '../../../server/storage/database.ts'
import { forEachEngine, type Open, type Opened, selectLogRows } from '../../support/storage.ts'

const bob: UserId = '@bob:hs.test'
const minute = 60_000

/** A clock that a spec moves; whoever sleeps wakes with every move, which ends when they sleep again. */
function handClock() {
  let now = 1_000_000_000_000
  let wake = () => {}
  let asleep = Promise.withResolvers<void>()
  return {
    now: () => now,
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        wake = resolve
        signal?.addEventListener('abort', () => resolve(), { once: true })
        asleep.resolve()
      }),
    pass: async (milliseconds: number) => {
      await asleep.promise
      asleep = Promise.withResolvers()
      now += milliseconds
      wake()
      await asleep.promise
    },
  }
}

/** Waits until what nobody waits for is written; what never comes fails by the time of the test. */
async function until<T>(read: () => Promise<T>, wanted: T): Promise<void> {
  while ((await read()) !== wanted) await new Promise((resolve) => void setTimeout(resolve, 5))
}

/** How SQLite looks for those whose time is over; PostgreSQL decides by the size of the table whether it uses its index. */
const plans = {
  sqlite: statement<[], Record<string, string>>(`EXPLAIN QUERY PLAN ${selectAllExpired.sql.replaceAll('?', '1')}`),
  postgres: statement<[], Record<string, string>>("SELECT indexdef FROM pg_indexes WHERE indexname = 'presence_by_expiry'"),
}

forEachEngine('who is online', (open: Open, engine) => {
  const start = async ({ database }: Opened) => {
    const clock = handClock()
    const faults: string[] = []
    const note = (words: string) => void faults.push(words)
    const log = { error: note, warn: note, info: note, debug: note, flush: () => {}, writes: () => false }
    const presences = createPresences({ database, clock, log })
    presences.start()
    const row = async () => (await database.selectOne(selectPresence, bob))?.presence
    const rows = async () => (await database.select(selectLogRows)).filter(({ kind }) => kind === 'presence').length
    return { clock, presences, row, rows, faults }
  }

  it('is unavailable after five minutes without doing anything, and back when they do', async () => {
    const { clock, presences, row, rows, faults } = await start(await open())
    presences.touch(bob, 'phone', 'online', 10 * minute)
    await clock.pass(4 * minute)
    await until(row, 'online')
    await clock.pass(2 * minute)
    await until(row, 'unavailable')
    presences.act(bob)
    await until(row, 'online')
    expect(await rows()).to.equal(3)
    await presences.stop()
    expect(faults).to.deep.equal([])
  })

  it('is one row, however often a device comes back', async () => {
    const { clock, presences, rows } = await start(await open())
    for (let poll = 0; poll < 20; poll++) {
      presences.touch(bob, 'phone', 'online', minute)
      await clock.pass(1000)
    }
    await presences.stop()
    expect(await rows()).to.equal(1)
  })

  it('is offline once no device comes back, and the best of what several say before', async () => {
    const { clock, presences, row } = await start(await open())
    presences.touch(bob, 'phone', 'unavailable', 3 * minute)
    presences.touch(bob, 'laptop', 'online', minute)
    await until(row, 'online')
    await clock.pass(2 * minute)
    await until(row, 'unavailable')
    await clock.pass(2 * minute)
    await until(row, 'offline')
    await presences.stop()
  })

  it('is looked through by the time at which they are gone, and not among all who ever were', async () => {
    const { database } = await open()
    const rows = await database.select(plans[engine])
    expect(JSON.stringify(rows)).to.include('presence_by_expiry').and.not.include('SCAN')
  })

  it('ends what a process that is gone has left', async () => {
    const opened = await open()
    const gone = await start(opened)
    gone.presences.touch(bob, 'phone', 'online', minute)
    await until(gone.row, 'online')
    await gone.presences.stop()
    const next = await start(opened)
    await next.clock.pass(10 * minute)
    await until(next.row, 'offline')
    await next.presences.stop()
  })

  it('is told to other servers again before they forget it, and to nobody here', async () => {
    const opened = await open()
    const { clock, presences, row, rows } = await start(opened)
    const kept = async () => (await opened.database.select(selectLogRows)).filter(({ kind }) => kind === 'presence_kept').length
    presences.touch(bob, 'phone', 'unavailable', 60 * minute)
    await until(row, 'unavailable')
    await clock.pass(24 * minute)
    await clock.pass(2 * minute)
    await until(kept, 1)
    await clock.pass(20 * minute)
    await clock.pass(6 * minute)
    await until(kept, 2)
    expect(await rows()).to.equal(1)
    await presences.stop()
  })

  it('of another server holds for half an hour after that has said so last', async () => {
    const { clock, presences, row, rows } = await start(await open())
    const shown = { presence: 'online', statusMsg: null, lastActiveAt: clock.now() } as const
    presences.hear(bob, shown)
    await until(row, 'online')
    await clock.pass(25 * minute)
    presences.hear(bob, shown)
    await clock.pass(25 * minute)
    await clock.pass(minute)
    expect(await row()).to.equal('online')
    expect(await rows()).to.equal(1)
    await clock.pass(6 * minute)
    await until(row, 'offline')
    await presences.stop()
  })
})
