import type { Migration } from './migration.ts'

/**
 * What other servers are to be told. What is there and what waits is told apart by destination: the transaction that is on its way, events and EDUs
 * that wait, and, of what has waited for long, no more than the last event of each room.
 */
export const federationSending: Migration = {
  id: '0080-federation-sending',
  statements: [
    // `fence` counts who held the work so far; `beat` moves as long as the holder lives.
    `CREATE TABLE federation_readers (
      name TEXT NOT NULL PRIMARY KEY,
      position BIGINT NOT NULL,
      holder TEXT NOT NULL,
      fence BIGINT NOT NULL,
      beat BIGINT NOT NULL
    )`,
    `CREATE TABLE federation_failures (
      destination TEXT NOT NULL PRIMARY KEY,
      failures BIGINT NOT NULL,
      since BIGINT NOT NULL,
      retry_at BIGINT NOT NULL,
      words TEXT NOT NULL
    )`,
    `CREATE TABLE federation_transactions (
      destination TEXT NOT NULL PRIMARY KEY,
      transaction_id TEXT NOT NULL,
      body BLOB NOT NULL
    )`,
    `CREATE TABLE federation_pdus (
      destination TEXT NOT NULL,
      position BIGINT NOT NULL,
      room_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      PRIMARY KEY (destination, position)
    )`,
    `CREATE TABLE federation_edus (
      destination TEXT NOT NULL,
      position BIGINT NOT NULL,
      ordinal BIGINT NOT NULL,
      edu_key TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (destination, position, ordinal)
    )`,
    'CREATE INDEX federation_edus_by_key ON federation_edus (destination, edu_key)',
    `CREATE TABLE federation_missed (
      destination TEXT NOT NULL,
      room_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      event_id TEXT NOT NULL,
      PRIMARY KEY (destination, room_id)
    )`,
  ],
}
