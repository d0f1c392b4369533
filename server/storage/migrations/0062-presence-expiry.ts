import type { Migration } from './migration.ts'

/** What processes that are gone have left is looked for every few seconds, among those who are there. */
export const presenceExpiry: Migration = {
  id: '0062-presence-expiry',
  statements: [`CREATE INDEX presence_by_expiry ON presence (expires_at) WHERE presence <> 'offline'`],
}
