import { statSync } from 'node:fs'
import type Sqlite from 'better-sqlite3'

const largestWal = 80 << 20
const idle = 200

/**
 * Moves the WAL into the database file when nothing was written for a moment, or at once when it has grown beyond 80 MB; never inside a commit,
 * whose latency it would be.
 */
export function checkpoints(connection: Sqlite.Database, path: string): { written: () => void; end: () => void } {
  let timer: NodeJS.Timeout | undefined
  let batches = 0
  const size = () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  return {
    written() {
      if (timer) timer.refresh()
      else timer = setTimeout(() => connection.pragma('wal_checkpoint(PASSIVE)'), idle).unref()
      if (++batches % 64 === 0 && size() > largestWal) connection.pragma('wal_checkpoint(TRUNCATE)')
    },
    end() {
      clearTimeout(timer)
      connection.pragma('wal_checkpoint(TRUNCATE)')
    },
  }
}
