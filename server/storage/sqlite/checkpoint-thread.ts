import { statSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'

/** Frames of 4 KiB; above 80 MB the WAL is begun anew, which makes the writer wait for a moment. */
const largestWal = 20_000
const pause = 200

const port = parentPort as MessagePort
const { path } = workerData as { path: string }
const connection = new Sqlite(path, { timeout: 1000 })
connection.pragma('synchronous = NORMAL')

let seen = 0
const timer = setInterval(() => {
  const changed = statSync(`${path}-wal`, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (changed === seen) return
  seen = changed
  const [{ log }] = connection.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }]
  if (log > largestWal) connection.pragma('wal_checkpoint(RESTART)')
}, pause)

port.on('message', () => {
  clearInterval(timer)
  connection.close()
  port.postMessage('closed')
  port.close()
})
