import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { searchedPastOver } from '../../../server/graph/history.ts'
import { insertAside } from '../../../server/graph/receive/stored.store.ts'
import { selectTold } from '../../../server/search/search.store.ts'
import { toldHistoryReader } from '../../../server/search/told-history.reader.ts'
import { type Write, write } from '../../../server/storage/database.ts'
import { migrations } from '../../../server/storage/migrations/migrations.ts'
import { openSession } from '../../../server/storage/postgres/session.ts'
import { forEachEmpty, type Opened, quietTools, selectLogRows } from '../../support/storage.ts'

const older = { migrations: migrations.filter(({ id }) => id < '0102-searched-history') }

type Aside = { readonly type?: string; readonly stateKey?: string; readonly rejected?: number; readonly softFailed?: number }

/** An event beside the timeline, as another server gave it. */
function aside(eventId: string, { type = 'm.room.message', stateKey, rejected = 0, softFailed = 0 }: Aside = {}): Write {
  const place = ['!r', 1, -1, type, stateKey ?? null, '@a:b', '$g'] as const
  return write(insertAside, eventId, ...place, rejected, softFailed, null, null, 1, Buffer.from('{}'))
}

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, place) => `$${prefix}${place}`)
const many = (prefix: string, count: number) => names(prefix, count).map((name) => aside(name))

function readerOf({ database }: Opened, errors: string[]) {
  const home = { database, ...quietTools(errors) } as unknown as Parameters<typeof toldHistoryReader>[0]['home']
  return toldHistoryReader({ home, graph: { searchedPast: searchedPastOver({ database }) } })
}

/** Runs readers until all is told. */
async function tellAll(opened: readonly Opened[]): Promise<void> {
  const errors: string[] = []
  const readers = opened.map((each) => readerOf(each, errors))
  for (const reader of readers) void reader.start()
  while ((await opened[0]!.database.selectOne(selectTold))?.told !== null && errors.length === 0) await sleep(5)
  for (const reader of readers) await reader.stop()
  expect(errors).to.deep.equal([])
}

async function toldBy({ database }: Opened): Promise<string[]> {
  const rows = await database.select(selectLogRows)
  expect(rows.map(({ position }) => position)).to.deep.equal(rows.map((_, place) => place + 1))
  return rows.filter(({ kind }) => kind === 'history').map(({ key }) => key)
}

forEachEmpty('history that was here before it could be searched', (open) => {
  it('is told of by the log, behind what that said before', async () => {
    const before = await open(older)
    const writes = [
      aside('$message'),
      aside('$topic', { type: 'm.room.topic', stateKey: '' }),
      aside('$redaction', { type: 'm.room.redaction' }),
      aside('$rejected', { rejected: 1 }),
      aside('$failed', { softFailed: 1 }),
      aside('$member', { type: 'm.room.member', stateKey: '@a:b' }),
    ]
    await before.database.commit({ writes, log: [{ kind: 'event', key: '!other' }] })
    await before.database.close()
    const opened = await open()
    await tellAll([opened])
    expect(await toldBy(opened)).to.have.members(['$message', '$redaction', '$topic'])
    expect((await opened.database.select(selectLogRows))[0]).to.include({ kind: 'event', key: '!other' })
  })

  it('is told of once, however often the process is ended meanwhile', async () => {
    const before = await open(older)
    await before.database.commit({ writes: many('past', 650) })
    await before.database.close()
    const first = await open()
    const reader = readerOf(first, [])
    void reader.start()
    await reader.stop()
    expect(await toldBy(first)).to.have.lengthOf.below(650)
    await first.database.close()
    const again = await open()
    await tellAll([again])
    expect(await toldBy(again)).to.have.members(names('past', 650))
  })
})

forEachEmpty(
  'history that is told of beside other processes',
  (open, _, { config }) => {
    it("keeps nobody from writing, and nobody else's writing keeps it from being told", async () => {
      const before = await open(older)
      await before.database.commit({ writes: many('past', 450), log: [{ kind: 'event', key: '!other' }] })
      const { url } = config() as { readonly url: string }
      const batch = await openSession({ url, name: 'tombolo-batch' })
      const send = (sql: string, ...parameters: (string | Uint8Array)[]) => batch.send([{ sql, parameters }])
      await send("SET idle_in_transaction_session_timeout = '60s'")
      await send('BEGIN')
      await send('UPDATE positions SET position = position + 1 WHERE id = 1')
      await send("INSERT INTO log (position, kind, key) SELECT position, 'event', '!other' FROM positions")
      let isWaiting = true
      const opening = open().finally(() => {
        isWaiting = false
      })
      opening.catch(() => undefined)
      const waits = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tombolo-migrations' AND wait_event_type = 'Lock'"
      let isHeld = false
      const observer = await openSession({ url, name: 'tombolo-observer' })
      while (isWaiting && !isHeld) isHeld = (await observer.send([{ sql: waits, parameters: [] }]))[0]!.length > 0
      await before.database.select(selectLogRows)
      await Promise.all([send('COMMIT'), before.database.commit({ writes: many('late', 3) })])
      await observer.end()
      await batch.end()
      const opened = await opening
      expect(isHeld).to.equal(false)
      const other = await open()
      const writing = Promise.all(names('news', 20).map((key) => before.database.commit({ writes: [], log: [{ kind: 'event', key }] })))
      await Promise.all([tellAll([opened, other]), writing])
      expect(await toldBy(opened)).to.have.members([...names('past', 450), ...names('late', 3)])
    })
  },
  ['postgres'],
)
