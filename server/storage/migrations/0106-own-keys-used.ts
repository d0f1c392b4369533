import type { Migration } from './migration.ts'

/** The latest time at which a key of this server is known to have signed: its end lies not before, whatever the clock says by then. */
export const ownKeysUsed: Migration = {
  id: '0106-own-keys-used',
  statements: ['ALTER TABLE own_keys ADD COLUMN used BIGINT'],
}
