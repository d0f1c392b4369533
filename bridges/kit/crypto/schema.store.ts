import type { Database } from 'better-sqlite3'

const migrations = [
  `CREATE TABLE crypto_own_devices (
     user_id TEXT PRIMARY KEY, device_id TEXT NOT NULL, identity_key TEXT NOT NULL, signing_key TEXT NOT NULL,
     device_keys TEXT NOT NULL, cross_signing TEXT NOT NULL, account BLOB NOT NULL, seeds BLOB NOT NULL, stage INTEGER NOT NULL,
     fallback_at INTEGER, fallback_kept INTEGER NOT NULL DEFAULT 0, replenish INTEGER NOT NULL DEFAULT 0,
     renew_fallback INTEGER NOT NULL DEFAULT 0
   ) WITHOUT ROWID;
   CREATE TABLE crypto_tracked_users (
     user_id TEXT PRIMARY KEY, tracked INTEGER NOT NULL, generation INTEGER NOT NULL, fetched INTEGER NOT NULL,
     pinned_master_key TEXT, master_key TEXT
   ) WITHOUT ROWID;
   CREATE TABLE crypto_devices (
     user_id TEXT NOT NULL, device_id TEXT NOT NULL, identity_key TEXT NOT NULL, signing_key TEXT NOT NULL, cross_signed INTEGER NOT NULL,
     PRIMARY KEY (user_id, device_id)
   ) WITHOUT ROWID;
   CREATE INDEX crypto_devices_by_identity_key ON crypto_devices (user_id, identity_key);
   CREATE TABLE crypto_room_members (room_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (room_id, user_id)) WITHOUT ROWID;

   CREATE TABLE crypto_olm_sessions (
     own_user TEXT NOT NULL, identity_key TEXT NOT NULL, session_id TEXT NOT NULL, pickle BLOB NOT NULL, used_at INTEGER NOT NULL,
     PRIMARY KEY (own_user, identity_key, session_id)
   ) WITHOUT ROWID;
   CREATE TABLE crypto_seen_messages (digest BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE crypto_wedged (
     own_user TEXT NOT NULL, user_id TEXT NOT NULL, identity_key TEXT NOT NULL, at INTEGER NOT NULL, pending INTEGER NOT NULL,
     PRIMARY KEY (own_user, user_id, identity_key)
   ) WITHOUT ROWID;
   CREATE TABLE crypto_unreachable (
     own_user TEXT NOT NULL, user_id TEXT NOT NULL, device_id TEXT NOT NULL, tries INTEGER NOT NULL, retry_at INTEGER NOT NULL,
     PRIMARY KEY (own_user, user_id, device_id)
   ) WITHOUT ROWID;

   CREATE TABLE crypto_outbound_sessions (
     session_id TEXT PRIMARY KEY, own_user TEXT NOT NULL, room_id TEXT NOT NULL, pickle BLOB NOT NULL, created_at INTEGER NOT NULL,
     shared_history INTEGER NOT NULL, live INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE UNIQUE INDEX crypto_outbound_sessions_live ON crypto_outbound_sessions (own_user, room_id) WHERE live = 1;
   CREATE INDEX crypto_outbound_sessions_by_room ON crypto_outbound_sessions (room_id) WHERE live = 1;
   CREATE TABLE crypto_outbound_keys (
     session_id TEXT NOT NULL, message_index INTEGER NOT NULL, session_key BLOB NOT NULL, PRIMARY KEY (session_id, message_index)
   ) WITHOUT ROWID;
   CREATE TABLE crypto_outbound_shares (
     session_id TEXT NOT NULL, user_id TEXT NOT NULL, device_id TEXT NOT NULL, identity_key TEXT NOT NULL, message_index INTEGER NOT NULL,
     reshared_at INTEGER NOT NULL DEFAULT 0, reshare INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (session_id, user_id, device_id)
   ) WITHOUT ROWID;
   CREATE INDEX crypto_outbound_shares_due ON crypto_outbound_shares (session_id) WHERE reshare = 1;
   CREATE TABLE crypto_prepared (
     own_user TEXT NOT NULL, room_id TEXT NOT NULL, txn_id TEXT NOT NULL, content TEXT NOT NULL, at INTEGER NOT NULL,
     PRIMARY KEY (own_user, room_id, txn_id)
   ) WITHOUT ROWID;
   CREATE INDEX crypto_prepared_by_age ON crypto_prepared (at);
   CREATE TABLE crypto_outgoing (
     id INTEGER PRIMARY KEY, own_user TEXT NOT NULL, type TEXT NOT NULL, txn_id TEXT NOT NULL, messages TEXT NOT NULL
   );
   CREATE INDEX crypto_outgoing_by_user ON crypto_outgoing (own_user, id);

   CREATE TABLE crypto_inbound_sessions (
     room_id TEXT NOT NULL, session_id TEXT NOT NULL, sender TEXT NOT NULL, identity_key TEXT NOT NULL, signing_key TEXT NOT NULL,
     pickle BLOB NOT NULL, first_index INTEGER NOT NULL,
     PRIMARY KEY (room_id, session_id, sender)
   ) WITHOUT ROWID;
   CREATE TABLE crypto_inbound_indices (
     room_id TEXT NOT NULL, session_id TEXT NOT NULL, sender TEXT NOT NULL, message_index INTEGER NOT NULL, event_id TEXT NOT NULL,
     PRIMARY KEY (room_id, session_id, sender, message_index)
   ) WITHOUT ROWID;
   CREATE TABLE crypto_key_requests (
     room_id TEXT NOT NULL, session_id TEXT NOT NULL, sender TEXT NOT NULL, request_id TEXT NOT NULL, at INTEGER NOT NULL,
     pending INTEGER NOT NULL, PRIMARY KEY (room_id, session_id, sender)
   ) WITHOUT ROWID;
   CREATE TABLE crypto_withheld (
     room_id TEXT NOT NULL, session_id TEXT NOT NULL, sender TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (room_id, session_id, sender)
   ) WITHOUT ROWID;`,
  `ALTER TABLE crypto_outbound_shares ADD COLUMN owed INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX crypto_outbound_shares_owed ON crypto_outbound_shares (session_id) WHERE owed = 1;`,
]

/** Brings the tables of encryption to this release, one transaction a step. A database of a later release is refused. */
export function migrateCrypto(database: Database): void {
  database.exec('CREATE TABLE IF NOT EXISTS crypto_schema (version INTEGER NOT NULL)')
  const row = database.prepare<[], { version: number }>('SELECT version FROM crypto_schema').get()
  const version = row?.version ?? 0
  if (version > migrations.length) throw new Error('the encryption store was written by a later release')
  if (row === undefined) database.prepare('INSERT INTO crypto_schema (version) VALUES (0)').run()
  migrations.slice(version).forEach((sql, n) => {
    database.transaction(() => {
      database.exec(sql)
      database.prepare('UPDATE crypto_schema SET version = ?').run(version + n + 1)
    })()
  })
}
