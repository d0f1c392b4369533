import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'

export type Synchronous = 'full' | 'normal'

const oldest = [3, 51, 3]

/**
 * Opens the file for the one connection that writes. Throws when the library is older than 3.51.3: before it, a checkpoint that met a
 * write could lose committed pages of the WAL.
 */
export function openWriter(path: string, synchronous: Synchronous): Sqlite.Database {
  const connection = new Sqlite(path, { timeout: 5000 })
  checkVersion(connection.prepare('SELECT sqlite_version()').pluck().get() as string)
  // Of a new file: a commit of many parts touches a leaf of an index for each, so that small pages halve what is synced.
  connection.pragma('page_size = 2048')
  connection.pragma('journal_mode = WAL')
  connection.pragma(`synchronous = ${synchronous}`)
  connection.pragma('wal_autocheckpoint = 0')
  connection.pragma('journal_size_limit = 83886080')
  connection.pragma('foreign_keys = OFF')
  connection.pragma('cache_size = -65536')
  return connection
}

function checkVersion(version: string): void {
  const numbers = version.split('.').map(Number)
  const differs = oldest.findIndex((number, place) => numbers[place] !== number)
  if (differs >= 0 && numbers[differs]! < oldest[differs]!) throw new Error(`SQLite ${version} is too old: 3.51.3 or newer is needed`)
}

/** Opens the file for reading only; the writer must have opened it before. */
export function openReader(path: string): Sqlite.Database {
  const connection = new Sqlite(path, { readonly: true, timeout: 5000 })
  connection.pragma('cache_size = -65536')
  connection.pragma('mmap_size = 268435456')
  return connection
}

/**
 * Makes this process the only one that has the database, until it closes the lock or ends in any way. Throws when another one has it. The lock is
 * an SQLite file of its own, so that the operating system gives it back when a process is killed.
 */
export function lockFile(path: string): { close: () => void } {
  mkdirSync(dirname(path), { recursive: true })
  const lock = new Sqlite(`${path}.lock`, { timeout: 1000 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
    throw new Error(`another process has the database ${path} open; one SQLite file serves one process (PostgreSQL serves many)`)
  }
  return { close: () => void lock.close() }
}
