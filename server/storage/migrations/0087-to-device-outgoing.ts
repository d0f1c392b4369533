import type { Migration } from './migration.ts'

/** Messages to devices of other servers' users, as EDUs, until they stand in the queues of their servers. */
export const toDeviceOutgoing: Migration = {
  id: '0087-to-device-outgoing',
  statements: [
    `CREATE TABLE to_device_outgoing (
      position BIGINT NOT NULL,
      ordinal BIGINT NOT NULL,
      destination TEXT NOT NULL,
      edu TEXT NOT NULL,
      PRIMARY KEY (position, ordinal)
    )`,
  ],
}
