import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { type Database, guard, type Part, statement, write } from '../../../server/storage/database.ts'
import type { Notifier } from '../../../server/storage/notifier.ts'
import { client, openSession } from '../../../server/storage/postgres/session.ts'
import {
  deleteNote,
  forEachEmpty,
  insertNote,
  noteTables,
  type Opened,
  selectLogRows,
  selectNote,
  selectNoteIds,
  selectRoom,
  upsertRoom,
} from '../../support/storage.ts'

const insertCount = statement<[id: string, amount: number]>('INSERT INTO notes (id, amount) VALUES (?, ?)')
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)
const query = (sql: string, ...parameters: string[]) => ({ sql, parameters })

/** A part that counts a room up by one, whatever its version is by then. */
function counting(id: string, version: number, room = '!hot'): Part {
  const writes = [write(upsertRoom, room, version + 1), write(insertCount, id, version)]
  const decideAgain = async (_: unknown, now: number) => counting(id, now, room)
  return { writes, room: { id: room, version, decideAgain }, log: [{ kind: 'count', key: room }] }
}

const reached = ({ notifier }: Opened, position: number) => notifier.reached(position, 60_000)

forEachEmpty(
  'two engines on one database',
  (open, _, { config }) => {
    const two = async () => [await open(noteTables), await open(noteTables)] as const
    const raw = () => openSession({ url: (config() as { url: string }).url, name: 'spec' })

    it('show no reader a gap, and move both notifiers over every row once and in order', async () => {
      const engines = await two()
      const told = engines.map(({ notifier }) => positionsTold(notifier))
      const work = Promise.all(engines.flatMap(({ database }, which) => upTo(8).map((lane) => commitMany(database, `${which}-${lane}`))))
      let done = false
      void work.finally(() => {
        done = true
      })
      while (!done) {
        const positions = (await engines[0].database.select(selectLogRows)).map((row) => row.position)
        expect(positions).to.deep.equal(positions.map((_, place) => place + 1))
      }
      await work
      const total = 2 * 8 * 20 * 2
      for (const each of engines) expect(await reached(each, total)).to.equal(true)
      for (const positions of told) expect(positions).to.deep.equal(upTo(total).map((n) => n + 1))
    })

    it('apply rows of the other before the position moves past them, and their own through their parts alone', async () => {
      const [a, b] = await two()
      const foreign: string[] = []
      b.notifier.beforeAdvance(async (rows) => {
        await new Promise(setImmediate)
        for (const row of rows) foreign.push(`${row.key} ${b.notifier.position() < row.position}`)
      })
      const part = (key: string): Part => ({ writes: [], log: [{ kind: 'room', key }] })
      const ticket = b.notifier.subscribe(['!a7'])
      const commits = upTo(10).flatMap((n) => [a.database.commit(part(`!a${n}`)), b.database.commit(part(`!b${n}`))])
      expect(await ticket.wait(0, 60_000)).to.equal(true)
      await Promise.all(commits)
      expect(await reached(b, 20)).to.equal(true)
      expect(foreign.toSorted()).to.deep.equal(upTo(10).map((n) => `!a${n} true`))
    })

    it('count one hot room to exactly what was asked', async () => {
      const engines = await two()
      const outcomes = await Promise.all(upTo(400).map((n) => engines[n % 2]!.database.commit(counting(`n${n}`, 0))))
      expect(outcomes.every((outcome) => outcome.ok)).to.equal(true)
      expect(await engines[0].database.selectOne(selectRoom, '!hot')).to.deep.equal({ version: 400 })
      const amounts = await Promise.all(upTo(400).map(async (n) => (await engines[1].database.selectOne(selectNote, `n${n}`))!.amount!))
      expect(amounts.toSorted((x, y) => x - y)).to.deep.equal(upTo(400))
    })

    it('hand out a row that a guard expects only once', async () => {
      const engines = await two()
      const keys = upTo(40).map((n) => `key ${n}`)
      await engines[0].database.commit({ writes: keys.map((key) => write(insertNote, key, null, null)) })
      const claim = (key: string): Part => ({ guards: [guard('gone', 'row', selectNote, key)], writes: [write(deleteNote, key)] })
      const outcomes = await Promise.all(keys.flatMap((key) => [0, 1, 1, 0].map((which) => engines[which]!.database.commit(claim(key)))))
      expect(outcomes.filter((outcome) => outcome.ok)).to.have.length(40)
      expect(await engines[0].database.select(selectNoteIds)).to.deep.equal([])
    })

    it('write each part once while their connections are ended again and again', async () => {
      const engines = await two()
      const killer = await raw()
      let done = false
      const work = Promise.all(upTo(300).map((n) => engines[n % 2]!.database.commit(counting(`n${n}`, 0, `!${n % 7}`)))).finally(() => {
        done = true
      })
      for (let round = 0; !done || round < 5; round++) {
        await killer.send([
          query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()`),
        ])
        await new Promise((resolve) => setTimeout(resolve, 15))
        if (round > 100) break
      }
      const outcomes = await work
      await killer.end()
      expect(outcomes.every((outcome) => outcome.ok)).to.equal(true)
      const versions = await Promise.all(upTo(7).map(async (n) => (await engines[0].database.selectOne(selectRoom, `!${n}`))!.version))
      expect(versions.reduce((sum, version) => sum + version)).to.equal(300)
      expect(await engines[0].database.select(selectLogRows)).to.have.length(300)
      for (const each of engines) expect(await reached(each, 300)).to.equal(true)
    })

    it('are held by a frozen process no longer than the server lets it hold a lock', async () => {
      const [a] = await two()
      await a.database.commit(counting('n0', 0))
      const frozen = await raw()
      await frozen.send([
        query('BEGIN'),
        query(`SELECT version FROM rooms WHERE room_id = '!hot' FOR UPDATE`),
        query('UPDATE positions SET position = position'),
      ])
      expect(await a.database.commit(counting('n1', 1))).to.include({ ok: true })
      // The server has ended the session; its end of the connection takes a moment to be heard of.
      while (!frozen.lost()) await new Promise((resolve) => setTimeout(resolve, 10))
      await frozen.end()
    })

    it('are held as short by one that is frozen between two halves of what it sends', async () => {
      const [a] = await two()
      await a.database.commit(counting('n0', 0))
      const half = halfSent((config() as { url: string }).url)
      for (const sql of ['BEGIN', `SELECT version FROM rooms WHERE room_id = '!hot' FOR UPDATE`]) await half.send(sql)
      half.freeze()
      const ended = half.send('UPDATE positions SET position = position').catch((error: Error) => error)
      expect(await a.database.commit(counting('n1', 1))).to.include({ ok: true })
      expect(await ended).to.be.instanceOf(Error)
      await half.end()
    })
  },
  ['postgres'],
)

/** A connection of another process, whose last words of what it sends stay away once it is frozen. */
function halfSent(url: string) {
  const end = Buffer.from([0x53, 0, 0, 0, 4])
  let isFrozen = false
  const socket = async ({ path, host, port }: { path?: string; host: string[]; port: number[] }) => {
    const made = path ? connect(path) : connect(port[0]!, host[0]!)
    await once(made, 'connect')
    const whole = made.write.bind(made) as (chunk: Buffer) => boolean
    const write = (chunk: Buffer) => whole(isFrozen && chunk.subarray(-5).equals(end) ? chunk.subarray(0, -5) : chunk)
    return Object.assign(made, { write, host: host[0], port: port[0] })
  }
  const sql = client(url, 'tombolo-frozen', { socket, max: 1 })
  return {
    send: async (text: string) => void (await sql.unsafe(text, [], { prepare: true, simple: false } as object)),
    freeze: () => {
      isFrozen = true
    },
    end: () => sql.end({ timeout: 1 }),
  }
}

function positionsTold(notifier: Notifier): number[] {
  const positions: number[] = []
  notifier.onAdvance((_, rows) => void positions.push(...rows.map((row) => row.position)))
  return positions
}

async function commitMany(database: Database, name: string): Promise<void> {
  for (const n of upTo(20)) {
    const log = [0, 1].map((place) => ({ kind: 'note', key: `${name}-${n}-${place}` }))
    await database.commit({ writes: [write(insertNote, `${name}-${n}`, null, null)], log })
  }
}
