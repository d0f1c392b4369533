import { statement } from '../storage/database.ts'

export const selectPublished = statement<[roomId: string], { room_id: string }>('SELECT room_id FROM published_rooms WHERE room_id = ?')

export const selectAllPublished = statement<[], { room_id: string }>('SELECT room_id FROM published_rooms')

export const insertPublished = statement<[roomId: string]>('INSERT INTO published_rooms (room_id) VALUES (?) ON CONFLICT DO NOTHING')

export const deletePublished = statement<[roomId: string]>('DELETE FROM published_rooms WHERE room_id = ?')

export const selectOfInstance = statement<[instanceId: string], { room_id: string }>(
  'SELECT room_id FROM network_rooms WHERE instance_id = ?',
)

export const selectOfInstances = statement<[], { room_id: string }>('SELECT DISTINCT room_id FROM network_rooms')

export const insertOfInstance = statement<[roomId: string, instanceId: string]>(
  'INSERT INTO network_rooms (room_id, instance_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
)

export const deleteOfInstance = statement<[roomId: string, instanceId: string]>(
  'DELETE FROM network_rooms WHERE room_id = ? AND instance_id = ?',
)

export const insertOfInstancesAs = statement<[replacement: string, roomId: string]>(
  `INSERT INTO network_rooms (room_id, instance_id)
  SELECT CAST(? AS TEXT), instance_id FROM network_rooms WHERE room_id = ? ON CONFLICT DO NOTHING`,
)

export const deleteOfInstances = statement<[roomId: string]>('DELETE FROM network_rooms WHERE room_id = ?')

export const insertPublishedAs = statement<[replacement: string, roomId: string]>(
  `INSERT INTO published_rooms (room_id) SELECT CAST(? AS TEXT) FROM published_rooms WHERE room_id = ? ON CONFLICT DO NOTHING`,
)
