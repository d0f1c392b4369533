import type { Migration } from './migration.ts'

/** Account data (of the account itself where the room is empty) and filters. */
export const accountData: Migration = {
  id: '0013-account-data',
  statements: [
    `CREATE TABLE account_data (
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      type TEXT NOT NULL,
      content TEXT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (user_id, room_id, type)
    )`,
    'CREATE INDEX account_data_by_position ON account_data (user_id, position)',
    `CREATE TABLE filters (
      user_id TEXT NOT NULL,
      filter_id TEXT NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (user_id, filter_id)
    )`,
  ],
}
