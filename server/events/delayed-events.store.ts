import { statement } from '../storage/database.ts'

export type DelayedRow = {
  delay_id: string
  user_id: string
  room_id: string
  type: string
  state_key: string | null
  redacts: string | null
  content: string
  delay: number
  created_at: number
  running_since: number
  send_at: number
}

export const insertDelayed = statement<
  [
    delayId: string,
    userId: string,
    roomId: string,
    type: string,
    stateKey: string | null,
    redacts: string | null,
    content: string,
    delay: number,
    createdAt: number,
    runningSince: number,
    sendAt: number,
    transactionKey: string | null,
  ]
>(
  `INSERT INTO delayed_events
    (delay_id, user_id, room_id, type, state_key, redacts, content, delay, created_at, running_since, send_at, transaction_key)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
)

export const selectOfTransaction = statement<[transactionKey: string], { delay_id: string }>(
  'SELECT delay_id FROM delayed_events WHERE transaction_key = ?',
)

export const selectDelayed = statement<[delayId: string], DelayedRow>(
  `SELECT delay_id, user_id, room_id, type, state_key, redacts, content, delay, created_at, running_since, send_at
  FROM delayed_events WHERE delay_id = ?`,
)

export const selectDelayedOf = statement<[userId: string, limit: number], DelayedRow>(
  `SELECT delay_id, user_id, room_id, type, state_key, redacts, content, delay, created_at, running_since, send_at
  FROM delayed_events WHERE user_id = ? ORDER BY send_at LIMIT ?`,
)

/** Those to be sent next. */
export const selectNext = statement<[limit: number], DelayedRow>(
  `SELECT delay_id, user_id, room_id, type, state_key, redacts, content, delay, created_at, running_since, send_at
  FROM delayed_events ORDER BY send_at LIMIT ?`,
)

/** Whether it still waits, as it did when it was read. */
export const selectWaiting = statement<[delayId: string, sendAt: number], { delay_id: string }>(
  'SELECT delay_id FROM delayed_events WHERE delay_id = ? AND send_at = ?',
)

export const updateRestarted = statement<[runningSince: number, now: number, delayId: string]>(
  'UPDATE delayed_events SET running_since = ?, send_at = ? + delay WHERE delay_id = ?',
)

export const deleteDelayed = statement<[delayId: string]>('DELETE FROM delayed_events WHERE delay_id = ?')
