import type { Home } from '../home.ts'
import type { DroppedRow } from './queue.store.ts'

/** Says and counts which messages to devices other servers will never get; who typed or was online some time ago nobody misses. */
export function noteDropped({ log, metrics }: Pick<Home, 'log' | 'metrics'>, rows: readonly DroppedRow[]): void {
  const messages = rows.filter(({ edu_key: key }) => key === '')
  if (messages.length === 0) return
  metrics
    .counter('tombolo_federation_dropped_messages_total', 'EDUs of messages to devices given up for servers that were away.')
    .add(messages.length)
  for (const [destination, those] of Map.groupBy(messages, (row) => row.destination)) {
    log.warn('messages to devices of a server that has been away for long are given up, the oldest first', {
      destination,
      count: those.length,
    })
  }
}
