import type { RoomId, UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

export const selectNoticeRoom = statement<[UserId], { room_id: RoomId }>('SELECT room_id FROM server_notice_rooms WHERE user_id = ?')
export const insertNoticeRoom = statement<[UserId, RoomId]>('INSERT INTO server_notice_rooms (user_id, room_id) VALUES (?, ?)')
export const deleteNoticeRoom = statement<[UserId]>('DELETE FROM server_notice_rooms WHERE user_id = ?')
