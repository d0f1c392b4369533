import type { Migration } from './migration.ts'

/** What an event that was kept aside stands on, over all others that were: whoever builds on it stands on the same. */
export const eventsAside: Migration = {
  id: '0109-events-aside',
  statements: ['ALTER TABLE events ADD COLUMN stands_on TEXT'],
}
