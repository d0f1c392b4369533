import type { Migration } from './migration.ts'

/** History that other servers gave can be searched. The log tells of each such event; `history` says of which rooms there is any in the index. */
export const searchedHistory: Migration = {
  id: '0102-searched-history',
  statements: ['ALTER TABLE search_rooms ADD COLUMN history BIGINT'],
}
