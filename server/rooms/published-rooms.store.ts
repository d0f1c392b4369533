import { statement } from '../storage/database.ts'

export const selectPublished = statement<[roomId: string], { room_id: string }>('SELECT room_id FROM published_rooms WHERE room_id = ?')

export const selectAllPublished = statement<[], { room_id: string }>('SELECT room_id FROM published_rooms')

export const insertPublished = statement<[roomId: string]>('INSERT INTO published_rooms (room_id) VALUES (?) ON CONFLICT DO NOTHING')

export const deletePublished = statement<[roomId: string]>('DELETE FROM published_rooms WHERE room_id = ?')

export const insertPublishedAs = statement<[replacement: string, roomId: string]>(
  `INSERT INTO published_rooms (room_id) SELECT CAST(? AS TEXT) FROM published_rooms WHERE room_id = ? ON CONFLICT DO NOTHING`,
)
