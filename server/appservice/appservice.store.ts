import { statement } from '../storage/database.ts'

export type ReaderRow = { position: number; holder: string; fence: number; beat: number }
export type TransactionRow = { transaction_id: string; position: number; body: Uint8Array }

export const insertReader = statement<[serviceId: string, position: number]>(
  `INSERT INTO appservice_readers (service_id, position, holder, fence, beat) VALUES (?, ?, '', 0, 0) ON CONFLICT DO NOTHING`,
)

export const selectReader = statement<[serviceId: string], ReaderRow>(
  'SELECT position, holder, fence, beat FROM appservice_readers WHERE service_id = ?',
)

/** Still as it was seen. */
export const selectUnmoved = statement<[serviceId: string, fence: number, beat: number], { fence: number }>(
  'SELECT fence FROM appservice_readers WHERE service_id = ? AND fence = ? AND beat = ?',
)

/** Still held under this fence. */
export const selectHeld = statement<[serviceId: string, fence: number], { fence: number }>(
  'SELECT fence FROM appservice_readers WHERE service_id = ? AND fence = ?',
)

export const updateHolder = statement<[holder: string, serviceId: string]>(
  'UPDATE appservice_readers SET holder = ?, fence = fence + 1, beat = beat + 1 WHERE service_id = ?',
)

export const updateBeat = statement<[serviceId: string]>('UPDATE appservice_readers SET beat = beat + 1 WHERE service_id = ?')

export const updateReleased = statement<[serviceId: string]>(`UPDATE appservice_readers SET holder = '' WHERE service_id = ?`)

export const updatePosition = statement<[position: number, serviceId: string]>(
  'UPDATE appservice_readers SET position = ?, beat = beat + 1 WHERE service_id = ?',
)

export const selectTransaction = statement<[serviceId: string], TransactionRow>(
  'SELECT transaction_id, position, body FROM appservice_transactions WHERE service_id = ?',
)

export const insertTransaction = statement<[serviceId: string, transactionId: string, position: number, body: Uint8Array]>(
  'INSERT INTO appservice_transactions (service_id, transaction_id, position, body) VALUES (?, ?, ?, ?)',
)

export const deleteTransaction = statement<[serviceId: string]>('DELETE FROM appservice_transactions WHERE service_id = ?')
