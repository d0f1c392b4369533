import type { Migration } from './migration.ts'

/**
 * What those who keep the server running ask of its destinations: which there are, what each has taken last, when a failing one was tried last, and
 * what is in the transaction that is on its way (its first event, the position of its last, how many of each).
 */
export const federationDestinations: Migration = {
  id: '0095-federation-destinations',
  statements: [
    `CREATE TABLE federation_destinations (
      destination TEXT NOT NULL PRIMARY KEY,
      sent_position BIGINT,
      sent_at BIGINT
    )`,
    'ALTER TABLE federation_failures ADD COLUMN tried_at BIGINT NOT NULL DEFAULT 0',
    'ALTER TABLE federation_transactions ADD COLUMN event_id TEXT',
    'ALTER TABLE federation_transactions ADD COLUMN position BIGINT',
    'ALTER TABLE federation_transactions ADD COLUMN pdus BIGINT NOT NULL DEFAULT 0',
    'ALTER TABLE federation_transactions ADD COLUMN edus BIGINT NOT NULL DEFAULT 0',
    `INSERT INTO federation_destinations (destination)
    SELECT destination FROM federation_failures UNION SELECT destination FROM federation_transactions`,
  ],
}
