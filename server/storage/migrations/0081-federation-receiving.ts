import type { Migration } from './migration.ts'

/** The transactions that other servers sent, with what was answered, and what of them is not taken in yet. */
export const federationReceiving: Migration = {
  id: '0081-federation-receiving',
  statements: [
    `CREATE TABLE federation_received (
      origin TEXT NOT NULL,
      transaction_id TEXT NOT NULL,
      digest TEXT NOT NULL,
      received_at BIGINT NOT NULL,
      edus BLOB,
      answer BLOB,
      PRIMARY KEY (origin, transaction_id)
    )`,
    'CREATE INDEX federation_received_by_time ON federation_received (received_at)',
    // `attempts` counts the starts of the server that have found a PDU here.
    `CREATE TABLE federation_staged (
      origin TEXT NOT NULL,
      transaction_id TEXT NOT NULL,
      ordinal BIGINT NOT NULL,
      room_id TEXT NOT NULL,
      arrival BIGINT NOT NULL,
      attempts BIGINT NOT NULL,
      json BLOB NOT NULL,
      PRIMARY KEY (origin, transaction_id, ordinal)
    )`,
    'CREATE INDEX federation_staged_by_room ON federation_staged (room_id, arrival, ordinal)',
  ],
}
