import type { Migration } from './migration.ts'

/**
 * How far the log was told of history that was here before it could be searched: the id of the last event looked at, NULL when all were. It is told by a
 * reader, a few events at a time, since other processes write meanwhile.
 */
export const toldHistory: Migration = {
  id: '0105-told-history',
  statements: [
    'ALTER TABLE search_progress ADD COLUMN told TEXT',
    `UPDATE search_progress SET told = '' WHERE id = 1 AND EXISTS (SELECT 1 FROM events)`,
  ],
}
