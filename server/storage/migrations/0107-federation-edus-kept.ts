import type { Migration } from './migration.ts'

/** Until when what waits for another server is worth telling; NULL for what always is. Who typed or was online before is told to nobody. */
export const federationEdusKept: Migration = {
  id: '0107-federation-edus-kept',
  statements: [
    `DELETE FROM federation_edus WHERE edu_key LIKE 'typing %' OR edu_key LIKE 'presence %'`,
    'ALTER TABLE federation_edus ADD COLUMN kept_until BIGINT',
    'CREATE INDEX federation_edus_by_end ON federation_edus (destination, kept_until) WHERE kept_until IS NOT NULL',
  ],
}
