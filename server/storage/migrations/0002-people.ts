import type { Migration } from './migration.ts'

/** Accounts, devices, sessions and their tokens, profiles. Tokens are kept as hashes only. */
export const people: Migration = {
  id: '0002-people',
  statements: [
    `CREATE TABLE accounts (
      user_id TEXT NOT NULL PRIMARY KEY,
      password TEXT,
      admin BIGINT NOT NULL,
      deactivated BIGINT NOT NULL,
      locked BIGINT NOT NULL,
      suspended BIGINT NOT NULL,
      service_id TEXT,
      created_at BIGINT NOT NULL
    )`,
    `CREATE TABLE devices (
      user_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      display_name TEXT,
      last_seen_ip TEXT,
      last_seen_at BIGINT,
      created_at BIGINT NOT NULL,
      PRIMARY KEY (user_id, device_id)
    )`,
    // `confirmed` is the newest generation of tokens that was used; there may be one generation more, given out but not used yet.
    `CREATE TABLE sessions (
      session_id TEXT NOT NULL PRIMARY KEY,
      user_id TEXT NOT NULL,
      device_id TEXT,
      client TEXT,
      scopes TEXT,
      confirmed BIGINT NOT NULL,
      created_at BIGINT NOT NULL
    )`,
    'CREATE INDEX sessions_by_user ON sessions (user_id, device_id)',
    'CREATE TABLE access_tokens (hash TEXT NOT NULL PRIMARY KEY, session_id TEXT NOT NULL, generation BIGINT NOT NULL, expires_at BIGINT)',
    'CREATE INDEX access_tokens_by_session ON access_tokens (session_id)',
    'CREATE TABLE refresh_tokens (hash TEXT NOT NULL PRIMARY KEY, session_id TEXT NOT NULL, generation BIGINT NOT NULL)',
    'CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id)',
    'CREATE TABLE registration_tokens (hash TEXT NOT NULL PRIMARY KEY, uses_allowed BIGINT, uses BIGINT NOT NULL, expires_at BIGINT)',
    'CREATE TABLE profiles (user_id TEXT NOT NULL, key_name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (user_id, key_name))',
  ],
}
