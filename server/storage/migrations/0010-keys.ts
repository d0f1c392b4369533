import type { Migration } from './migration.ts'

/** Device keys, one-time and fallback keys, cross-signing keys and the signatures on them. */
export const keys: Migration = {
  id: '0010-keys',
  statements: [
    `CREATE TABLE device_keys (
      user_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (user_id, device_id)
    )`,
    // A claimed key stays, so that it is known when it is uploaded once more.
    `CREATE TABLE one_time_keys (
      user_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      key_id TEXT NOT NULL,
      algorithm TEXT NOT NULL,
      content TEXT NOT NULL,
      position BIGINT NOT NULL,
      place BIGINT NOT NULL,
      claimed_by TEXT,
      PRIMARY KEY (user_id, device_id, key_id)
    )`,
    'CREATE INDEX one_time_keys_unclaimed ON one_time_keys (user_id, device_id, algorithm, position, place) WHERE claimed_by IS NULL',
    'CREATE INDEX one_time_keys_claimed ON one_time_keys (claimed_by) WHERE claimed_by IS NOT NULL',
    `CREATE TABLE fallback_keys (
      user_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      algorithm TEXT NOT NULL,
      key_id TEXT NOT NULL,
      content TEXT NOT NULL,
      used BIGINT NOT NULL,
      PRIMARY KEY (user_id, device_id, algorithm)
    )`,
    `CREATE TABLE cross_signing_keys (
      user_id TEXT NOT NULL,
      usage TEXT NOT NULL,
      public_key TEXT NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (user_id, usage)
    )`,
    // What is signed: a device id, or the public key of a cross-signing key.
    `CREATE TABLE key_signatures (
      user_id TEXT NOT NULL,
      signed TEXT NOT NULL,
      signer TEXT NOT NULL,
      key_id TEXT NOT NULL,
      signature TEXT NOT NULL,
      PRIMARY KEY (user_id, signed, signer, key_id)
    )`,
  ],
}
