import type { Migration } from './migration.ts'

/** How far each application service has been told, who tells it, and the transaction that is on its way. */
export const appservice: Migration = {
  id: '0020-appservice',
  statements: [
    // `fence` counts who held the service so far; `beat` moves as long as the holder lives.
    `CREATE TABLE appservice_readers (
      service_id TEXT NOT NULL PRIMARY KEY,
      position BIGINT NOT NULL,
      holder TEXT NOT NULL,
      fence BIGINT NOT NULL,
      beat BIGINT NOT NULL
    )`,
    `CREATE TABLE appservice_transactions (
      service_id TEXT NOT NULL PRIMARY KEY,
      transaction_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      body BLOB NOT NULL
    )`,
  ],
}
