import { statement } from '../storage/database.ts'

/** What a client's transaction id led to. */
export const selectTransaction = statement<[key: string], { event_ids: string }>(
  'SELECT event_ids FROM transactions WHERE transaction_key = ?',
)

export const insertTransaction = statement<[key: string, eventIds: readonly string[], at: number]>(
  'INSERT INTO transactions (transaction_key, event_ids, at) VALUES (?, ?, ?)',
)
