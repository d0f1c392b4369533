import { statement } from '../storage/database.ts'

export const insertReport = statement<
  [
    reportId: string,
    receivedAt: number,
    reporter: string,
    kind: 'room' | 'event' | 'user',
    roomId: string | null,
    eventId: string | null,
    userId: string | null,
    reason: string,
  ]
>('INSERT INTO reports (report_id, received_at, reporter, kind, room_id, event_id, user_id, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')

/** What a reporter has reported since a moment. */
export const selectRecent = statement<[reporter: string, since: number, limit: number], { report_id: string }>(
  'SELECT report_id FROM reports WHERE reporter = ? AND received_at > ? LIMIT ?',
)

export const deleteReportsOf = statement<[reporter: string]>('DELETE FROM reports WHERE reporter = ?')

export const deleteReportsIn = statement<[roomId: string]>('DELETE FROM reports WHERE room_id = ?')
