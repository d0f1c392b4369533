import type { Migration } from './migration.ts'

/** Stages of user-interactive authentication that were completed in an earlier request, tokens of a single purpose, and whose events are erased. */
export const accounts: Migration = {
  id: '0043-accounts',
  statements: [
    `CREATE TABLE completed_stages (
      session TEXT NOT NULL,
      stage TEXT NOT NULL,
      detail TEXT NOT NULL,
      body TEXT NOT NULL,
      expires_at BIGINT NOT NULL,
      PRIMARY KEY (session, stage)
    )`,
    'CREATE INDEX completed_stages_by_expiry ON completed_stages (expires_at)',
    'CREATE TABLE login_tokens (hash TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, expires_at BIGINT NOT NULL)',
    'CREATE INDEX login_tokens_by_user ON login_tokens (user_id)',
    'CREATE TABLE openid_tokens (hash TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, expires_at BIGINT NOT NULL)',
    'CREATE INDEX openid_tokens_by_user ON openid_tokens (user_id)',
    'CREATE TABLE erased_users (user_id TEXT NOT NULL PRIMARY KEY)',
  ],
}
