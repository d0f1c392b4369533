/** The tables of a bridge, one script a version. A script is never changed once released; what is sealed or blind is so under the network's vault. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  -- An account of the network. account: its id, blind; secrets: id and token, sealed.
  CREATE TABLE logins (
    login TEXT PRIMARY KEY, account TEXT NOT NULL UNIQUE, secrets BLOB NOT NULL, name TEXT, state TEXT NOT NULL
  ) STRICT;

  -- What the network said, as it said it. Kept as the ledger of what was seen; the body goes when it has been applied.
  CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, dedup TEXT NOT NULL UNIQUE, raw BLOB, state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0, received_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX inbox_new ON inbox (seq) WHERE state = 'new';

  -- What the homeserver said: transactions, and the events in them.
  CREATE TABLE transactions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, txn TEXT NOT NULL UNIQUE, body BLOB, state TEXT NOT NULL DEFAULT 'new',
    received_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX transactions_new ON transactions (seq) WHERE state = 'new';
  CREATE TABLE matrix_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL UNIQUE, room TEXT NOT NULL, body BLOB, state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0, received_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX matrix_events_new ON matrix_events (seq) WHERE state = 'new';

  -- A person of the network. localpart is random; name is what the network calls them, sealed.
  CREATE TABLE contacts (
    contact TEXT PRIMARY KEY, login TEXT NOT NULL, localpart TEXT NOT NULL UNIQUE, name BLOB, profile TEXT, first_seen INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE identities (
    login TEXT NOT NULL, kind TEXT NOT NULL, blind TEXT NOT NULL, value BLOB NOT NULL, contact TEXT NOT NULL, last_seen INTEGER NOT NULL,
    PRIMARY KEY (login, kind, blind)
  ) STRICT;
  CREATE INDEX identities_contact ON identities (contact);

  -- A chat (a login's with a contact) and its room. alias: the room's own, taken before the room is made.
  CREATE TABLE portals (
    portal TEXT PRIMARY KEY, login TEXT NOT NULL, contact TEXT NOT NULL, room TEXT, alias TEXT, hub INTEGER NOT NULL DEFAULT 0,
    UNIQUE (login, contact)
  ) STRICT;
  CREATE INDEX portals_room ON portals (room);
  CREATE TABLE hubs (alias TEXT PRIMARY KEY, room TEXT NOT NULL) STRICT;

  -- Everything that a ghost or the bot sends: the bytes are written here before they go out, and a retry sends the same bytes.
  CREATE TABLE sends (
    txn TEXT PRIMARY KEY, room TEXT NOT NULL, sender TEXT NOT NULL, device TEXT, type TEXT NOT NULL, content BLOB NOT NULL, ts INTEGER, event TEXT,
    at INTEGER NOT NULL
  ) STRICT;

  -- Which message of the network is which event.
  CREATE TABLE messages (
    portal TEXT NOT NULL, remote TEXT NOT NULL, part INTEGER NOT NULL, event TEXT NOT NULL, remote_id BLOB NOT NULL, own INTEGER NOT NULL,
    PRIMARY KEY (portal, remote, part)
  ) STRICT;
  CREATE INDEX messages_event ON messages (event);

  -- Every part of every event on its way to a chat. payload: sealed, gone when it has arrived.
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, event TEXT NOT NULL, room TEXT NOT NULL, portal TEXT NOT NULL,
    part INTEGER NOT NULL, parts INTEGER NOT NULL, payload BLOB, state TEXT NOT NULL, remote TEXT, class TEXT, words TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, submitted_at INTEGER, changed_at INTEGER NOT NULL, shown TEXT,
    UNIQUE (event, portal, part)
  ) STRICT;
  CREATE INDEX outbox_open ON outbox (seq) WHERE state IN ('queued', 'submitting', 'unknown');
  CREATE INDEX outbox_remote ON outbox (remote) WHERE remote IS NOT NULL;
  CREATE INDEX outbox_portal ON outbox (portal, seq);
  CREATE INDEX outbox_unshown ON outbox (seq) WHERE shown IS NOT state;

  -- A state of a message of ours that came before we knew the message's id.
  CREATE TABLE orphans (remote TEXT NOT NULL, state TEXT NOT NULL, class TEXT, words TEXT, at INTEGER NOT NULL, PRIMARY KEY (remote, state)) STRICT;
  `,
]
