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
  `
  -- kind: text, media, reaction, correction or withdrawal. target: the event that it answers, corrects or is about.
  ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
  ALTER TABLE outbox ADD COLUMN target TEXT;
  CREATE INDEX outbox_target ON outbox (target) WHERE target IS NOT NULL;

  -- waits: the blind id of the message that an item is about, while that message has not come.
  ALTER TABLE inbox ADD COLUMN waits TEXT;
  CREATE INDEX inbox_waits ON inbox (waits) WHERE waits IS NOT NULL;

  -- The reactions that stand in the rooms. emoji: sealed.
  CREATE TABLE reactions (
    event TEXT PRIMARY KEY, room TEXT NOT NULL, target TEXT NOT NULL, sender TEXT NOT NULL, emoji BLOB NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX reactions_target ON reactions (target);

  -- Up to which event of the room a chat was read by us. told: the network knows it.
  CREATE TABLE read_marks (portal TEXT PRIMARY KEY, event TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0) STRICT;

  -- When the person wrote last, and of which such time the room was told that the network's window is about to close.
  ALTER TABLE portals ADD COLUMN wrote_at INTEGER;
  ALTER TABLE portals ADD COLUMN window_told INTEGER;
  `,
  `
  -- owner: whose account it is; null for the one of the configuration. class, words: why the state is what it is, since when, and when it may be over.
  -- told: the state that its owner was last told.
  ALTER TABLE logins ADD COLUMN owner TEXT;
  ALTER TABLE logins ADD COLUMN class TEXT;
  ALTER TABLE logins ADD COLUMN words TEXT;
  ALTER TABLE logins ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE logins ADD COLUMN until INTEGER;
  ALTER TABLE logins ADD COLUMN told TEXT;

  -- Rooms in which one user and the bot talk. step: what was asked last, sealed.
  CREATE TABLE management_rooms (room TEXT PRIMARY KEY, user TEXT NOT NULL, step BLOB, at INTEGER NOT NULL) STRICT;
  CREATE INDEX management_rooms_user ON management_rooms (user);

  -- What the bot is to say or do in a room, once. body: sealed, gone when it is done.
  CREATE TABLE chores (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, room TEXT NOT NULL, body BLOB, state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX chores_new ON chores (seq) WHERE state = 'new';

  -- A chat and a shared room: asked, accepted, configured, stopped (by the person) or removed. chosen, shown: names, sealed; mark: the shown one, blind.
  CREATE TABLE spokes (
    portal TEXT NOT NULL, room TEXT NOT NULL, state TEXT NOT NULL, chosen BLOB, shown BLOB, base TEXT, mark TEXT, changed_at INTEGER NOT NULL,
    PRIMARY KEY (portal, room), UNIQUE (room, mark)
  ) STRICT;
  -- name, owner: of hubs that a user made or connected. own_room: a chat's own room while it is in a shared one.
  ALTER TABLE hubs ADD COLUMN name TEXT;
  ALTER TABLE hubs ADD COLUMN owner TEXT;
  ALTER TABLE portals ADD COLUMN own_room TEXT;
  `,
  `
  -- Messages of which files are still to be fetched.
  CREATE INDEX inbox_late ON inbox (seq) WHERE state = 'late';
  `,
  `
  -- author: who is named before a part, blind; lead: how many characters of it that takes.
  ALTER TABLE outbox ADD COLUMN author TEXT;
  ALTER TABLE outbox ADD COLUMN lead INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- waits: how often the person had written when a part was kept because the network took no answers; it stays queued until they write again.
  -- again: how often somebody had it sent once more.
  ALTER TABLE outbox ADD COLUMN waits INTEGER;
  ALTER TABLE outbox ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX outbox_waits ON outbox (portal, seq) WHERE waits IS NOT NULL;
  `,
  `
  -- lane: what comes to one chat, blind: it is applied in order.
  ALTER TABLE inbox ADD COLUMN lane TEXT;
  CREATE INDEX inbox_lane ON inbox (lane, seq) WHERE state = 'new';
  CREATE INDEX inbox_laneless ON inbox (seq) WHERE lane IS NULL AND state IN ('new', 'waiting');
  CREATE INDEX matrix_events_lane ON matrix_events (room, seq) WHERE state = 'new';
  CREATE INDEX chores_lane ON chores (room, seq) WHERE state = 'new';
  CREATE INDEX outbox_lane ON outbox (portal, seq) WHERE state = 'queued' AND waits IS NULL;
  CREATE INDEX outbox_queued ON outbox (seq) WHERE state = 'queued' AND waits IS NULL;
  `,
  `
  -- When somebody's reaction to an event changed last, or it was corrected or taken back: in the network's time, and (seen) in ours.
  CREATE TABLE changes (
    target TEXT NOT NULL, sender TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (target, sender, kind)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Which lane what comes under an id of a person goes into: the same for all of theirs. kind, blind: as among the identities.
  CREATE TABLE lanes (login TEXT NOT NULL, kind TEXT NOT NULL, blind TEXT NOT NULL, lane TEXT NOT NULL, PRIMARY KEY (login, kind, blind)) STRICT, WITHOUT ROWID;
  `,
  `
  -- How much of what the network takes at once is used, by chat and account: when a bucket is full again, and when the room was told that it waits.
  CREATE TABLE rates (bucket TEXT PRIMARY KEY, full_at REAL NOT NULL, told_at INTEGER) STRICT;
  `,
  `
  -- due: when a correction is shown although the message that it is about has not come; 0 when it stands in its place.
  ALTER TABLE inbox ADD COLUMN due INTEGER;
  CREATE INDEX inbox_due ON inbox (due) WHERE state = 'waiting' AND due IS NOT NULL;
  `,
  `
  -- heard: how often a chat's person has written, told late or not. outbox.waits counts in it, for the times of networks go back and forth.
  ALTER TABLE portals ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- What could not be understood stands aside, with its body.
  CREATE INDEX inbox_malformed ON inbox (seq) WHERE state = 'malformed';
  CREATE INDEX inbox_quarantined ON inbox (seq) WHERE state = 'quarantined';
  `,
  `
  -- outbox.heard: how often the person had written when a part was given to the network; returned: how often it was put back as too late.
  -- heard_of: what was counted in portals.heard last, blind: it is applied anew after whatever interrupted it.
  ALTER TABLE outbox ADD COLUMN heard INTEGER;
  ALTER TABLE outbox ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE portals ADD COLUMN heard_of TEXT;
  `,
]
