import type { Database } from '../../server/storage/database.ts'
import { type Logged, statement } from '../../server/storage/database.ts'
import { storage } from '../../server/storage/migrations/0001-storage.ts'
import type { Migration } from '../../server/storage/migrations/migration.ts'
import type { Notifier } from '../../server/storage/notifier.ts'
import { type DatabaseConfig, type DatabaseExtras, openDatabase } from '../../server/storage/open-database.ts'
import { freshDatabase } from './postgres.ts'
import { temporaryFolder } from './processes.ts'

export type Opened = { readonly database: Database; readonly notifier: Notifier }

/** Opens one and the same fresh database, as often as asked; what was opened is closed after the test. */
export type Open = (extras?: DatabaseExtras) => Promise<Opened>

/** Where the open database is, for a spec that reaches around the engine. */
export type Place = { readonly config: () => DatabaseConfig; readonly errors: string[] }

type Engine = Database['engine']
const both: readonly Engine[] = ['sqlite', 'postgres']

type Body = (open: Open, engine: Engine, place: Place) => void

/**
 * Declares a suite once for each engine. Every test gets a fresh database; on a machine without PostgreSQL its half is skipped, with a line that
 * says so.
 */
export function forEachEngine(name: string, body: Body, engines: readonly Engine[] = both): void {
  declare(name, body, engines, 'with tables')
}

/** The same on databases that have no tables yet. */
export function forEachEmpty(name: string, body: Body, engines: readonly Engine[] = both): void {
  declare(name, body, engines, 'empty')
}

function declare(name: string, body: Body, engines: readonly Engine[], tables: 'empty' | 'with tables'): void {
  for (const engine of engines) {
    describe(`${name} on ${engine}`, () => {
      let config: DatabaseConfig | undefined
      let drop: () => Promise<void>
      let opened: Opened[] = []
      const errors: string[] = []
      beforeEach(async function () {
        errors.length = 0
        const fresh = engine === 'sqlite' ? freshFile() : await freshDatabase(tables)
        if (!fresh) return this.skip()
        config = 'path' in fresh ? { kind: 'sqlite', path: fresh.path } : { kind: 'postgres', url: fresh.url }
        drop = fresh.drop
      })
      afterEach(async () => {
        for (const { database } of opened) await database.close()
        opened = []
        if (config) await drop()
        config = undefined
      })
      const open: Open = async (extras) => {
        const made = await openDatabase(config!, quietTools(errors), extras)
        opened.push(made)
        return made
      }
      body(open, engine, { config: () => config!, errors })
    })
  }
}

/** Tools whose errors a spec can look at. */
export function quietTools(errors: string[]) {
  const note = (words: string, fields?: object) => void errors.push(`${words} ${JSON.stringify(fields ?? {})}`)
  const sleep = (milliseconds: number) => new Promise<void>((resolve) => void setTimeout(resolve, milliseconds))
  return { log: { error: note, warn: note }, clock: { now: Date.now, sleep } }
}

function freshFile() {
  return { path: `${temporaryFolder('tombolo-storage')}/tombolo.db`, drop: async () => undefined }
}

/** Tables to write to, beside the engine's own. */
const noted: Migration = {
  id: '0002-notes',
  statements: [
    'CREATE TABLE rooms (room_id TEXT PRIMARY KEY, version BIGINT NOT NULL)',
    'CREATE TABLE notes (id TEXT PRIMARY KEY, position BIGINT, amount BIGINT, body BLOB)',
  ],
}

export const noteTables: DatabaseExtras = { migrations: [storage, noted] }

export type Note = { id: string; position: number | null; amount: number | null; body: Uint8Array | null }

export const insertNote = statement<[id: string, amount: number | null, body: Uint8Array | null]>(
  'INSERT INTO notes (id, amount, body) VALUES (?, ?, ?)',
)
export const insertPlacedNote = statement<[id: string, n: number]>('INSERT INTO notes (id, position) VALUES (?, position_of(?))')
export const deleteNote = statement<[id: string]>('DELETE FROM notes WHERE id = ?')
export const selectNote = statement<[id: string], Note>('SELECT id, position, amount, body FROM notes WHERE id = ?')
export const selectNoteIds = statement<[], { id: string }>('SELECT id FROM notes ORDER BY id')
export const selectLogRows = statement<[], Logged>('SELECT position, kind, key FROM log ORDER BY position')
export const upsertRoom = statement<[id: string, version: number]>(
  'INSERT INTO rooms (room_id, version) VALUES (?, ?) ON CONFLICT (room_id) DO UPDATE SET version = excluded.version',
)
export const selectRoom = statement<[id: string], { version: number }>('SELECT version FROM rooms WHERE room_id = ?')
