import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { insertReader, selectReader, updatePosition } from '../../../server/appservice/appservice.store.ts'
import { takeLease } from '../../../server/appservice/lease.ts'
import type { Home } from '../../../server/home.ts'
import { type Database, write } from '../../../server/storage/database.ts'
import type { Lease } from '../../../server/storage/lease.ts'
import { forEachEngine } from '../../support/storage.ts'

const timing = { expiryMs: 400, beatMs: 20 }
const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, writes: () => false, flush: () => {} }
const sleep = (milliseconds: number, signal?: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })

forEachEngine('the lease of a service', (open, engine) => {
  const held: Lease[] = []
  const stops: AbortController[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop.abort()
    for (const lease of held.splice(0)) await lease.release().catch(() => {})
  })

  async function process(database: Database, times = timing): Promise<{ take: () => Promise<Lease | undefined>; stop: AbortController }> {
    await database.commit({ writes: [write(insertReader, 'bridge', 0)] })
    const stop = new AbortController()
    stops.push(stop)
    const tools: Pick<Home, 'database' | 'clock' | 'random' | 'log'> = {
      database,
      clock: { now: Date.now, sleep },
      random: randomBytes,
      log,
    }
    const take = async () => {
      const lease = await takeLease(tools, 'bridge', stop.signal, times)
      if (lease !== undefined) held.push(lease)
      return lease
    }
    return { take, stop }
  }
  const moveTo = (database: Database, lease: Lease, position: number) =>
    database.commit({ guards: [lease.guard], writes: [write(updatePosition, position, 'bridge')] })

  it('is taken at once when it is free, and lets its holder write', async () => {
    const { database } = await open()
    const lease = (await (await process(database)).take())!
    expect(await moveTo(database, lease, 7)).to.include({ ok: true })
    expect((await database.selectOne(selectReader, 'bridge'))?.position).to.equal(7)
  })

  it('lets nobody write who held it before', async () => {
    const { database } = await open()
    const { take } = await process(database)
    const first = (await take())!
    await first.release()
    const second = (await take())!
    expect(await moveTo(database, first, 3)).to.deep.equal({ ok: false, guard: 'lease' })
    expect(await moveTo(database, second, 4)).to.include({ ok: true })
  })

  if (engine === 'sqlite') return

  it('belongs to one process at a time, and goes over when it is given back', async () => {
    const [one, other] = [await open(), await open()]
    const expiryMs = 1000
    let [beat, longest] = [0, 0]
    const commit: Database['commit'] = async (part) => {
      const outcome = await one.database.commit(part)
      longest = Math.max(longest, performance.now() - beat)
      beat = performance.now()
      return outcome
    }
    const [holder, waiter] = [
      await process({ ...one.database, commit }, { ...timing, expiryMs }),
      await process(other.database, { ...timing, expiryMs }),
    ]
    // On a machine that stood still itself, whoever lived seems dead: that says nothing.
    do {
      const first = (await holder.take())!
      ;[beat, longest] = [performance.now(), 0]
      let isTaken = false
      const second = waiter.take().then((lease) => {
        isTaken = true
        return lease
      })
      await sleep(1.2 * expiryMs)
      longest = Math.max(longest, performance.now() - beat)
      if (longest < expiryMs / 2) {
        expect(isTaken).to.equal(false)
        expect(first.lost.aborted).to.equal(false)
      }
      await first.release()
      const lease = (await second)!
      expect(await moveTo(other.database, lease, 1)).to.include({ ok: true })
      await lease.release()
    } while (longest >= expiryMs / 2)
  })

  it('goes over when its holder stands still, and the holder knows before', async () => {
    const [one, other] = [await open(), await open()]
    const stuck: Database = { ...one.database, commit: (part) => (held.length > 0 ? new Promise(() => {}) : one.database.commit(part)) }
    const first = (await (await process(stuck)).take())!
    let wasLost = false
    const second = (await process(other.database)).take().then((lease) => {
      wasLost = first.lost.aborted
      return lease
    })
    const lease = (await second)!
    expect(wasLost).to.equal(true)
    expect(await moveTo(one.database, first, 3)).to.deep.equal({ ok: false, guard: 'lease' })
    expect(await moveTo(other.database, lease, 4)).to.include({ ok: true })
    held.shift()
  })
})
