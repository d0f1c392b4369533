import { statement } from '../../storage/database.ts'

export type StageRow = { stage: string; detail: string; body: string }

export const selectStages = statement<[session: string, now: number], StageRow>(
  'SELECT stage, detail, body FROM completed_stages WHERE session = ? AND expires_at > ?',
)
export const selectStage = statement<[session: string, stage: string], { stage: string }>(
  'SELECT stage FROM completed_stages WHERE session = ? AND stage = ?',
)
export const insertStage = statement<[session: string, stage: string, detail: string, body: string, expiresAt: number]>(
  `INSERT INTO completed_stages (session, stage, detail, body, expires_at) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (session, stage) DO UPDATE SET detail = excluded.detail, body = excluded.body`,
)
export const deleteStages = statement<[session: string]>('DELETE FROM completed_stages WHERE session = ?')
export const deleteExpiredStages = statement<[now: number]>('DELETE FROM completed_stages WHERE expires_at <= ?')
/** Keeps the newest ones alone. */
export const deleteSurplusStages = statement<[kept: number]>(
  `DELETE FROM completed_stages WHERE session IN
     (SELECT session FROM completed_stages ORDER BY expires_at DESC, session LIMIT 1000 OFFSET ?)`,
)
