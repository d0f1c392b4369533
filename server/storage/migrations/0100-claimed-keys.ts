import type { Migration } from './migration.ts'

/** Whoever claims a key is given it by the write itself; nobody looks for it afterwards. */
export const claimedKeys: Migration = {
  id: '0100-claimed-keys',
  statements: ['DROP INDEX one_time_keys_claimed'],
}
