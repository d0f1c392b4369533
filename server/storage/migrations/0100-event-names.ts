import type { Migration } from './migration.ts'

/** Which event bears a name that its server gave it, as rooms of versions 1 and 2 have it: the hash of the first one that came. */
export const eventNames: Migration = {
  id: '0100-event-names',
  statements: ['CREATE TABLE event_names (event_id TEXT NOT NULL PRIMARY KEY, reference_hash TEXT NOT NULL)'],
}
