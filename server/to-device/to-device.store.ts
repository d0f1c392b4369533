import { statement } from '../storage/database.ts'

export type WaitingRow = { user_id: string; device_id: string; position: number; message: string }

export const insertMessage = statement<[userId: string, deviceId: string, row: number, serviceId: string | null, message: string]>(
  'INSERT INTO to_device (user_id, device_id, position, service_id, message) VALUES (?, ?, position_of(?), ?, ?)',
)

export const selectMessages = statement<[userId: string, deviceId: string, after: number, upTo: number, limit: number], WaitingRow>(
  `SELECT user_id, device_id, position, message FROM to_device
  WHERE user_id = ? AND device_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
)

export const selectMessagesForService = statement<[serviceId: string, after: number, upTo: number, limit: number], WaitingRow>(
  `SELECT user_id, device_id, position, message FROM to_device
  WHERE service_id = ? AND position > ? AND position <= ? ORDER BY position, user_id, device_id LIMIT ?`,
)

export const selectFirstMessage = statement<[userId: string, deviceId: string], { position: number }>(
  'SELECT position FROM to_device WHERE user_id = ? AND device_id = ? ORDER BY position LIMIT 1',
)

export const deleteMessages = statement<[userId: string, deviceId: string, upTo: number]>(
  'DELETE FROM to_device WHERE user_id = ? AND device_id = ? AND position <= ?',
)

export const deleteMessagesForService = statement<[serviceId: string, upTo: number]>(
  'DELETE FROM to_device WHERE service_id = ? AND position <= ?',
)

export const deleteMessagesOfDevice = statement<[userId: string, deviceId: string]>(
  'DELETE FROM to_device WHERE user_id = ? AND device_id = ?',
)

export const selectTransaction = statement<[key: string], { at: number }>('SELECT at FROM to_device_transactions WHERE transaction_key = ?')

export const insertTransaction = statement<[key: string, at: number]>(
  'INSERT INTO to_device_transactions (transaction_key, at) VALUES (?, ?)',
)

export const deleteOldTransactions = statement<[before: number]>('DELETE FROM to_device_transactions WHERE at < ?')

export type OutgoingRow = { position: number; destination: string; edu: string }

export const insertOutgoing = statement<[row: number, ordinal: number, destination: string, edu: string]>(
  'INSERT INTO to_device_outgoing (position, ordinal, destination, edu) VALUES (position_of(?), ?, ?, ?)',
)

export const selectOutgoing = statement<[positions: readonly number[]], OutgoingRow>(
  `SELECT position, destination, edu FROM to_device_outgoing
  WHERE position IN (SELECT CAST(value AS BIGINT) FROM json_each(CAST(? AS TEXT))) ORDER BY position, ordinal`,
)

export const deleteOutgoing = statement<[before: number]>('DELETE FROM to_device_outgoing WHERE position < ?')
