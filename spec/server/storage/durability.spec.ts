import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect } from 'chai'
import { write } from '../../../server/storage/database.ts'
import { type DatabaseConfig, openDatabase } from '../../../server/storage/open-database.ts'
import { project, startProcess, temporaryFolder } from '../../support/processes.ts'
import { forEachEmpty, insertNote, noteTables, quietTools, selectLogRows, selectNoteIds } from '../../support/storage.ts'

const start = (config: DatabaseConfig) =>
  startProcess({
    args: [join(project, 'spec/server/storage/committing-process.ts'), JSON.stringify(config)],
    log: join(temporaryFolder('tombolo-storage'), 'log'),
    ready: { line: /acknowledged note 500\n/ },
  })

forEachEmpty('a process that is killed', (open, _, { config }) => {
  it('leaves every part that it acknowledged, and no part by halves', async () => {
    const process = await start(config())
    await process.kill()
    const { database } = await open(noteTables)
    const notes = (await database.select(selectNoteIds)).map((row) => row.id)
    const acknowledged = [...process.output().matchAll(/^acknowledged (note \d+)$/gm)].map((match) => match[1])
    expect(acknowledged.length).to.be.greaterThan(500)
    expect(notes).to.include.members(acknowledged)
    const log = await database.select(selectLogRows)
    expect(log.map((row) => row.position)).to.deep.equal(notes.map((_, place) => place + 1))
    expect(log.map((row) => row.key).toSorted()).to.deep.equal(notes)
  })
})

forEachEmpty('closing', (open) => {
  it('answers what was handed over before, refuses what comes after, and may be asked twice', async () => {
    const { database } = await open(noteTables)
    const before = database.commit({ writes: [write(insertNote, 'a', null, null)] })
    const closed = Promise.all([database.close(), database.close()])
    const after = database.commit({ writes: [] }).then(
      () => 'written',
      (error: Error) => error.message,
    )
    expect(await before).to.include({ ok: true })
    expect(await after).to.equal('the database is closed')
    await closed
  })
})

forEachEmpty(
  'the file of another process',
  (open, _, { config }) => {
    it('is refused in words, until that process has ended', async () => {
      const process = await start(config())
      const refusal = await open(noteTables).then(
        () => 'opened',
        (error: Error) => error.message,
      )
      expect(refusal).to.match(/another process has the database .* open/)
      await process.kill()
      await open(noteTables)
    })
  },
  ['sqlite'],
)

forEachEmpty('a second opening', (open) => {
  it('is refused for a database of a newer release, in words', async () => {
    const newer = { id: '9999-newer', statements: ['CREATE TABLE newer (id TEXT PRIMARY KEY)'] }
    const first = await open({ migrations: [...noteTables.migrations!, newer] })
    await first.database.close()
    const refusal = await open(noteTables).then(
      () => 'opened',
      (error: Error) => error.message,
    )
    expect(refusal).to.match(/newer release \(it has 9999-newer\)/)
  })

  it('runs the steps that are missing, and leaves none by halves', async () => {
    const broken = { id: '9998-broken', statements: ['CREATE TABLE half (id TEXT PRIMARY KEY)', 'CREATE TABLE half (id TEXT PRIMARY KEY)'] }
    const mended = { id: '9998-mended', statements: ['CREATE TABLE half (id TEXT PRIMARY KEY)'] }
    await (await open(noteTables)).database.close()
    const refusal = await open({ migrations: [...noteTables.migrations!, broken] }).then(
      () => 'opened',
      () => 'refused',
    )
    expect(refusal).to.equal('refused')
    await open({ migrations: [...noteTables.migrations!, mended] })
  })
})

describe('the SQLite file', () => {
  it('is in WAL mode and whole after a close', async () => {
    const path = join(temporaryFolder('tombolo-storage'), 'tombolo.db')
    const { database } = await openDatabase({ kind: 'sqlite', path }, quietTools([]), noteTables)
    await database.commit({ writes: [write(insertNote, 'a', null, null)] })
    await database.close()
    const raw = new Sqlite(path, { readonly: true })
    expect(raw.pragma('journal_mode', { simple: true })).to.equal('wal')
    expect(raw.pragma('integrity_check', { simple: true })).to.equal('ok')
    raw.close()
  })
})
