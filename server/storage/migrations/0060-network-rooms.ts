import type { Migration } from './migration.ts'

/** The rooms that application services list under the networks that they bridge. */
export const networkRooms: Migration = {
  id: '0060-network-rooms',
  statements: ['CREATE TABLE network_rooms (room_id TEXT NOT NULL, instance_id TEXT NOT NULL, PRIMARY KEY (room_id, instance_id))'],
}
