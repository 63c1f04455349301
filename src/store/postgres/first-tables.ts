/**
 * The tables of schema 1. Names and keys are `bytea`: any text may be one, also with zero bytes, and the order is that of
 * the bytes whatever the database's collation is. Times are milliseconds since the Unix epoch.
 *
 * Sealed bytes do not shrink, so nothing tries to compress them (STORAGE EXTERNAL). A session's row is written with every
 * turn: it has room to be written beside itself (fillfactor), and no index holds what changes each time. `expires_at`
 * does, so the sweeper goes by the hour, which is the same for most turns.
 */
export const firstTables = `
CREATE TABLE stategate.sessions (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key        bytea  NOT NULL UNIQUE,
  revision   text   NOT NULL,
  owner      bytea  NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  sweep_hour bigint NOT NULL GENERATED ALWAYS AS ((expires_at + 3599999) / 3600000) STORED,
  load_from  bigint NOT NULL,
  head       bytea  NOT NULL
) WITH (fillfactor = 70);

ALTER TABLE stategate.sessions ALTER COLUMN head SET STORAGE EXTERNAL;
CREATE INDEX sessions_by_owner ON stategate.sessions (owner, created_at, key);
CREATE INDEX sessions_by_end ON stategate.sessions (sweep_hour);

CREATE TABLE stategate.turns (
  session  bigint NOT NULL REFERENCES stategate.sessions ON DELETE CASCADE,
  sequence bigint NOT NULL,
  turn     bytea  NOT NULL,
  sealed   bytea  NOT NULL,
  PRIMARY KEY (session, sequence)
);

ALTER TABLE stategate.turns ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE stategate.slots (
  session bigint NOT NULL REFERENCES stategate.sessions ON DELETE CASCADE,
  name    bytea  NOT NULL,
  sealed  bytea  NOT NULL,
  PRIMARY KEY (session, name)
);

ALTER TABLE stategate.slots ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE stategate.records (
  name       bytea PRIMARY KEY,
  bytes      bytea NOT NULL,
  expires_at bigint
);

CREATE INDEX records_by_end ON stategate.records (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE stategate.leases (
  name   bytea  PRIMARY KEY,
  holder bytea  NOT NULL,
  until  bigint NOT NULL
);

CREATE INDEX leases_by_end ON stategate.leases (until);

CREATE TABLE stategate.quota_windows (
  name      bytea  NOT NULL,
  starts_at bigint NOT NULL,
  ends_at   bigint NOT NULL,
  used      bigint NOT NULL,
  granted   bigint NOT NULL,
  PRIMARY KEY (name, starts_at)
) WITH (fillfactor = 70);

CREATE INDEX quota_windows_by_end ON stategate.quota_windows (ends_at);

CREATE TABLE stategate.places (
  name   bytea  NOT NULL,
  holder bytea  NOT NULL,
  count  bigint NOT NULL,
  until  bigint NOT NULL,
  PRIMARY KEY (name, holder)
);

CREATE INDEX places_by_end ON stategate.places (until);

CREATE TABLE stategate.notices (
  number bigint PRIMARY KEY,
  notice bytea  NOT NULL,
  until  bigint NOT NULL
);

CREATE INDEX notices_by_end ON stategate.notices (until);

-- One row. A sequence would not do: numbers must become visible in their order.
CREATE TABLE stategate.last_notice (number bigint NOT NULL);
INSERT INTO stategate.last_notice VALUES (0);

CREATE TABLE stategate.audit_rows (
  chain    text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  at       bigint NOT NULL,
  entry    bytea  NOT NULL,
  details  bytea,
  PRIMARY KEY (chain, sequence)
);

CREATE INDEX audit_rows_by_time ON stategate.audit_rows (at, chain, sequence);
`;
