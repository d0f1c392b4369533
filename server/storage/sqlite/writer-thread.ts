import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Migration } from '../migrations/migration.ts'
import type { BatchMessage } from './batch-message.ts'
import { decodeBatch } from './batch-message.ts'
import { batchTransaction } from './batch-transaction.ts'
import { openWriter, type Synchronous } from './open-file.ts'
import { runMigrations } from './run-migrations.ts'

/** What the main thread asks of the writer; each is answered once, in order. */
export type WriterRequest = { readonly kind: 'batch'; readonly batch: BatchMessage } | { readonly kind: 'close' }

const port = parentPort as MessagePort
const { path, synchronous, migrations } = workerData as { path: string; synchronous: Synchronous; migrations: readonly Migration[] }

const connection = openWriter(path, synchronous)
runMigrations(connection, migrations)
const transaction = batchTransaction(connection)

port.on('message', (request: WriterRequest) => {
  if (request.kind === 'batch') {
    for (const [id, sql] of request.batch.statements) transaction.learn(id, sql)
    port.postMessage(transaction.write(decodeBatch(request.batch)))
  } else {
    connection.pragma('wal_checkpoint(TRUNCATE)')
    connection.close()
    port.postMessage('closed')
    port.close()
  }
})
port.postMessage(transaction.position())
