import type { Clock } from "../../kit/clock.ts";
import { committed, runPiece, type SessionStore } from "../session-store.ts";
import { turnSequenceTaken } from "../turn-sequence-taken.ts";
import type { PostgresClient } from "./postgres-client.ts";
import { nameAt, numberAt } from "./row-values.ts";
import { commitValues, parseSessionRow, parseSnapshot, parseTurn, placeOf } from "./session-rows.ts";

const SCANNED_AT_ONCE = 500;
/** A session may have thousands of turns: no statement takes long. */
const REMOVED_AT_ONCE = 100;

export function createPostgresSessionStore({ run }: PostgresClient, clock: Clock): SessionStore {
  return {
    async load(key, known) {
      const values = [Buffer.from(key), clock(), known?.revision ?? null, known?.sequence ?? null];
      return parseSnapshot(await run(statements.load, values));
    },
    async readTurns(key, from, to) {
      const last = Math.min(to, Number.MAX_SAFE_INTEGER);
      return (await run(statements.readTurns, [Buffer.from(key), clock(), from, last])).map(parseTurn);
    },
    async commit(commit) {
      const [outcome, ...current] = await run(statements.commit, commitValues(commit, clock()));
      if (outcome?.["part"] === "committed") return committed;
      if (outcome?.["part"] === "taken") throw turnSequenceTaken(commit.turn?.sequence);
      return { committed: false, current: parseSnapshot(current) };
    },
    async remove(key) {
      const [removed] = await run(statements.remove, [Buffer.from(key), clock()]);
      return removed?.["was_live"] === true;
    },
    async list(owner, page) {
      const values = [Buffer.from(owner), clock(), ...placeOf(page), page.limit];
      return (await run(statements[page.order], values)).map(parseSessionRow);
    },
    async count(owner, atMost) {
      const [row = {}] = await run(statements.count, [Buffer.from(owner), clock(), atMost]);
      return numberAt(row, "live");
    },
    async removeOwner(owner, step = runPiece) {
      const now = clock();
      let live = 0;
      for (;;) {
        const removed = await step(() => run(statements.removeOwner, [Buffer.from(owner), now]));
        live += removed.filter((row) => row["was_live"] === true).length;
        if (removed.length < REMOVED_AT_ONCE) return live;
      }
    },
    /** By the row's number: what is inserted meanwhile comes last. */
    async scan(after = "0") {
      const rows = await run(statements.scan, [after]);
      const last = rows[SCANNED_AT_ONCE - 1];
      const live = rows.filter((row) => numberAt(row, "expires_at") > clock());
      return { keys: live.map((row) => nameAt(row, "key")), ...(last && { next: String(last["id"]) }) };
    },
  };
}

const listed = `
  SELECT key, revision, owner, created_at, expires_at, load_from, head
  FROM stategate.sessions WHERE owner = $1 AND expires_at > $2`;

const statements = {
  load: { name: "session-load", text: "SELECT * FROM stategate.load_session($1, $2, $3, $4)" },
  readTurns: {
    name: "session-read-turns",
    text: `
      SELECT turns.sequence, turns.turn AS name, turns.sealed
      FROM stategate.sessions JOIN stategate.turns ON turns.session = sessions.id
      WHERE sessions.key = $1 AND sessions.expires_at > $2 AND turns.sequence >= $3 AND turns.sequence < $4
      ORDER BY turns.sequence`,
  },
  commit: {
    name: "session-commit",
    text: `
      SELECT * FROM stategate.commit_session(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
      )`,
  },
  remove: {
    name: "session-remove",
    text: "DELETE FROM stategate.sessions WHERE key = $1 RETURNING expires_at > $2 AS was_live",
  },
  asc: {
    name: "session-list-oldest",
    text: `${listed} AND (created_at, key) > ($3, $4) ORDER BY created_at, key LIMIT $5`,
  },
  desc: {
    name: "session-list-newest",
    text: `${listed} AND (created_at, key) < ($3, $4) ORDER BY created_at DESC, key DESC LIMIT $5`,
  },
  count: {
    name: "session-count",
    text: `
      SELECT count(*) AS live FROM (
        SELECT 1 FROM stategate.sessions WHERE owner = $1 AND expires_at > $2 LIMIT $3
      ) AS found`,
  },
  removeOwner: {
    name: "session-remove-owner",
    // Several who remove at once lock rows in one order.
    text: `
      DELETE FROM stategate.sessions WHERE id = ANY (ARRAY(
        SELECT id FROM stategate.sessions WHERE owner = $1 ORDER BY created_at, key LIMIT ${REMOVED_AT_ONCE} FOR UPDATE
      )) RETURNING expires_at > $2 AS was_live`,
  },
  scan: {
    name: "session-scan",
    text: `SELECT id, key, expires_at FROM stategate.sessions WHERE id > $1 ORDER BY id LIMIT ${SCANNED_AT_ONCE}`,
  },
};
