/**
 * What turns schema version n into n + 1, in order. Released entries never change.
 *
 * Heads and turns are too large for WITHOUT ROWID (sqlite.org/withoutrowid.html: rows under a 20th of a page), so both
 * are rowid tables; plain columns stand before the blobs, so that reading them touches no overflow page. Nothing is
 * indexed by expiry, which changes with every turn: the sweeper walks the table instead.
 *
 * What a record holds lies in a slot that is overwritten and used again but never deleted, because a removed record must
 * leave no trace and SQLite leaves some: when rows come and go it moves their neighbours and forgets copies in the gaps
 * of pages, now and then even with `secure_delete` (a few in 10,000 removals). A row whose size never changes is
 * overwritten where it lies, and rows that are only ever added at the end are never moved.
 */
export const sqliteSchema: readonly string[] = [
  `
  CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    revision   TEXT NOT NULL,
    owner      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    load_from  INTEGER NOT NULL,
    head       BLOB NOT NULL
  ) STRICT;

  CREATE INDEX sessions_by_owner ON sessions (owner, created_at, key);

  CREATE TABLE turns (
    id       INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    turn     TEXT NOT NULL,
    sealed   BLOB NOT NULL,
    UNIQUE (session, sequence)
  ) STRICT;

  CREATE TABLE slots (
    session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    name    TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    UNIQUE (session, name)
  ) STRICT;

  CREATE TABLE keys (
    name  TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE records (
    name       TEXT PRIMARY KEY,
    slot       INTEGER NOT NULL,
    length     INTEGER NOT NULL,
    expires_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX records_by_end ON records (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE record_slots (
    id    INTEGER PRIMARY KEY,
    size  INTEGER NOT NULL,
    free  INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE INDEX free_record_slots ON record_slots (size) WHERE free = 1;

  PRAGMA secure_delete = ON;

  INSERT INTO record_slots (id, size, free, bytes)
  SELECT row_number() OVER (ORDER BY name), length(bytes), 0, bytes FROM keys ORDER BY name;

  INSERT INTO records (name, slot, length)
  SELECT name, row_number() OVER (ORDER BY name), length(bytes) FROM keys;

  DROP TABLE keys;
  PRAGMA secure_delete = OFF;

  CREATE TABLE quota_windows (
    name      TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    used      INTEGER NOT NULL,
    PRIMARY KEY (name, starts_at)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX quota_windows_by_end ON quota_windows (ends_at);

  CREATE TABLE places (
    name   TEXT NOT NULL,
    holder TEXT NOT NULL,
    count  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (name, holder)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX places_by_end ON places (until);

  CREATE TABLE notices (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    notice TEXT NOT NULL,
    until  INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE audit_rows (
    chain    TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    entry    BLOB NOT NULL,
    details  BLOB,
    PRIMARY KEY (chain, sequence)
  ) STRICT;

  CREATE INDEX audit_rows_by_time ON audit_rows (at, chain, sequence);
  `,
];
