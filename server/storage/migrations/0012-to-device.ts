import type { Migration } from './migration.ts'

/** Messages that wait for devices, and the transactions that sent them. */
export const toDevice: Migration = {
  id: '0012-to-device',
  statements: [
    `CREATE TABLE to_device (
      user_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      service_id TEXT,
      message TEXT NOT NULL,
      PRIMARY KEY (user_id, device_id, position)
    )`,
    'CREATE INDEX to_device_by_service ON to_device (service_id, position) WHERE service_id IS NOT NULL',
    `CREATE TABLE to_device_transactions (
      transaction_key TEXT NOT NULL PRIMARY KEY,
      at BIGINT NOT NULL
    )`,
    'CREATE INDEX to_device_transactions_by_time ON to_device_transactions (at)',
  ],
}
