/**
 * What turns schema version n into n + 1, in order. Released entries never change.
 *
 * Heads and turns are too large for WITHOUT ROWID (sqlite.org/withoutrowid.html: rows under a 20th of a page), so both
 * are rowid tables; plain columns stand before the blobs, so that reading them touches no overflow page. Nothing is
 * indexed by expiry, which changes with every turn: the sweeper walks the table instead.
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
];
