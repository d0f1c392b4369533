import type { Migration } from './migration.ts'

/** The device of a user that has no session and collects messages until another one takes its place. */
export const dehydratedDevices: Migration = {
  id: '0044-dehydrated-devices',
  statements: ['CREATE TABLE dehydrated_devices (user_id TEXT NOT NULL PRIMARY KEY, device_id TEXT NOT NULL, device_data TEXT NOT NULL)'],
}
