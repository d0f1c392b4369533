import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import type { Database } from '../../../server/storage/database.ts'
import { forEachEmpty, noteTables } from '../../support/storage.ts'

const forEver = 1_000_000

forEachEmpty('the notifier', (open) => {
  const tell = (database: Database, ...keys: string[]) =>
    database.commit({ writes: [], log: keys.map((key) => ({ kind: key.startsWith('@') ? 'user' : 'room', key })) })

  it('wakes a ticket by a row that came between looking and waiting', async () => {
    const { database, notifier } = await open(noteTables)
    const ticket = notifier.subscribe(['!a', '!b'])
    const looked = notifier.position()
    await tell(database, '!b')
    expect(await ticket.wait(looked, forEver)).to.equal(true)
    expect(notifier.changes(ticket.keys, looked, notifier.position())).to.deep.equal([{ position: 1, kind: 'room', key: '!b' }])
    expect(await ticket.wait(notifier.position(), 1)).to.equal(false)
  })

  it('wakes by its keys alone, by added keys, and not by deleted ones', async () => {
    const { database, notifier } = await open(noteTables)
    const ticket = notifier.subscribe(['!a'])
    await tell(database, '!b', '!c')
    expect(await ticket.wait(0, 1)).to.equal(false)
    const waiting = ticket.wait(0, forEver)
    ticket.add('!c')
    expect(await waiting).to.equal(true)
    ticket.delete('!a')
    const later = ticket.wait(notifier.position(), 50)
    await tell(database, '!a')
    expect(await later).to.equal(false)
  })

  it('wakes a thousand who wait for one key, each once', async () => {
    const { database, notifier } = await open(noteTables)
    const waits = Array.from({ length: 1000 }, (_, n) => notifier.subscribe(['!hot', `@${n}`]).wait(0, forEver))
    await tell(database, '!hot', '!hot', '@5')
    expect(new Set(await Promise.all(waits))).to.deep.equal(new Set([true]))
  })

  it('ends a wait on abort and on close', async () => {
    const { notifier } = await open(noteTables)
    const aborting = new AbortController()
    const ticket = notifier.subscribe(['!a'])
    const waits = [ticket.wait(0, forEver, aborting.signal), ticket.wait(0, forEver)]
    aborting.abort()
    expect(await waits[0]).to.equal(false)
    ticket.close()
    expect(await waits[1]).to.equal(false)
    expect(await ticket.wait(0, forEver, aborting.signal)).to.equal(false)
  })

  it('wakes and tells by the keys that a kind also wakes', async () => {
    const { database, notifier } = await open(noteTables)
    notifier.alsoWake('user', (user) => (user === '@bob' ? ['!a', '!b'] : []))
    const [a, c] = ['!a', '!c'].map((key) => notifier.subscribe([key])) as [
      ReturnType<typeof notifier.subscribe>,
      ReturnType<typeof notifier.subscribe>,
    ]
    await tell(database, '@carol', '@bob')
    expect(await a.wait(0, forEver)).to.equal(true)
    expect(await c.wait(0, 1)).to.equal(false)
    const row = { position: 2, kind: 'user', key: '@bob' }
    expect(notifier.changes(a.keys, 0, 2)).to.deep.equal([row])
    expect(notifier.changes(new Set(['!a', '!b', '@bob']), 1, 2)).to.deep.equal([row])
    expect(notifier.changes(a.keys, 0, 1)).to.deep.equal([])
  })

  it('gives the same changes for few rows and for many', async () => {
    const { database, notifier } = await open(noteTables)
    const keys = Array.from({ length: 300 }, (_, n) => `!${(n * 7) % 31}`)
    await tell(database, ...keys)
    const wanted = new Set(['!3', '!17', '!30'])
    const expected = keys.flatMap((key, place) => (wanted.has(key) ? { position: place + 1, kind: 'room', key } : []))
    const between = (after: number, upTo: number) => expected.filter(({ position }) => position > after && position <= upTo)
    for (const [after, upTo] of [
      [0, 300],
      [290, 300],
      [100, 101],
      [5, 250],
      [300, 300],
    ] as const)
      expect(notifier.changes(wanted, after, upTo)).to.deep.equal(between(after, upTo))
  })

  it('falls back to the table where memory does not reach, and says so for changes', async () => {
    const { database, notifier } = await open({ ...noteTables, ringSize: 8 })
    const keys = Array.from({ length: 30 }, (_, n) => `!${n}`)
    for (const key of keys) await tell(database, key)
    expect(notifier.changes(new Set(['!29']), 21, 30)).to.equal(undefined)
    expect(notifier.changes(new Set(['!29', '!22']), 22, 30)!.map((row) => row.key)).to.deep.equal(['!22', '!29'])
    expect((await notifier.rows(3, 6, 100)).map((row) => row.key)).to.deep.equal(['!3', '!4', '!5'])
    expect((await notifier.rows(10, 30, 15)).map((row) => row.position)).to.deep.equal(Array.from({ length: 15 }, (_, n) => n + 11))
    expect((await notifier.rows(25, 99, 100)).map((row) => row.position)).to.deep.equal([26, 27, 28, 29, 30])
    expect(await notifier.subscribe(['!none']).wait(3, forEver)).to.equal(true)
  })

  it('tells every move once, in order, also to who asked for a position', async () => {
    const { database, notifier } = await open(noteTables)
    const moves: number[] = []
    const end = notifier.onAdvance((position, rows) => {
      expect(position).to.equal(rows.at(-1)!.position)
      moves.push(...rows.map((row) => row.position))
    })
    const reached = notifier.reached(5, forEver)
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => tell(database, key)))
    expect(await reached).to.equal(true)
    expect(await notifier.reached(6, 1)).to.equal(false)
    end()
    await tell(database, 'f')
    expect(moves).to.deep.equal([1, 2, 3, 4, 5])
  })

  it('is waited for by readers until they are stopped, and a wait that is over leaves nothing with what stops them', async () => {
    const { database, notifier } = await open(noteTables)
    const stopping = new AbortController()
    const stopped = notifier.reached(3, forEver, stopping.signal)
    const reached = notifier.reached(1, forEver, stopping.signal)
    expect(getEventListeners(stopping.signal, 'abort').length).to.equal(2)
    await tell(database, 'a')
    expect(await reached).to.equal(true)
    expect(getEventListeners(stopping.signal, 'abort').length).to.equal(1)
    stopping.abort()
    expect(await stopped).to.equal(false)
    expect(await notifier.reached(3, forEver, stopping.signal)).to.equal(false)
    expect(getEventListeners(stopping.signal, 'abort').length).to.equal(0)
  })

  it('stands where the log ended when it is opened again', async () => {
    const first = await open(noteTables)
    await tell(first.database, '!a', '!b')
    await first.database.close()
    const { notifier } = await open(noteTables)
    expect(notifier.position()).to.equal(2)
    expect((await notifier.rows(0, 2, 10)).map((row) => row.key)).to.deep.equal(['!a', '!b'])
    expect(notifier.changes(new Set(['!a']), 0, 2)).to.equal(undefined)
  })
})
