import type { Clock } from "../../kit/clock.ts";
import {
  runPiece,
  type SessionCommit,
  type SessionFields,
  type SessionStore,
  type StoredSession,
} from "../session-store.ts";
import { turnSequenceTaken } from "../turn-sequence-taken.ts";
import type { OwnerIndex } from "./owner-index.ts";
import { type RedisConnection, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";
import { scanSessions } from "./scan-sessions.ts";
import { asReply, encodeTurn, parseSnapshot, parseTurns, textAt } from "./session-reply.ts";

const REMOVED = Buffer.from("-");
const PRESENT = Buffer.from("=");

export interface RedisSessionStoreParts {
  readonly connection: RedisConnection;
  readonly names: RedisNames;
  readonly index: OwnerIndex;
  readonly clock: Clock;
}

export function createRedisSessionStore({ connection, names, index, clock }: RedisSessionStoreParts): SessionStore {
  const { client, isCluster } = connection;
  const enter = (key: string, { owner, createdAt, expiresAt }: SessionFields): Promise<unknown> =>
    index.enter(owner, { key, createdAt }, expiresAt);

  /** Set in a cluster, and behind a proxy for one: a script may not have keys that lie on two nodes. */
  let liesApart = isCluster;

  /** Apart from the session, the index first: it may name a session that is not there, but never lack one. */
  const send = async (commit: SessionCommit): Promise<unknown> => {
    const session = names.session(commit.key);
    const parts = commitArguments(commit, clock());
    if (!liesApart) {
      try {
        return await client.sessionCommitIndexedBuffer(session, names.owner(commit.fields.owner), ...parts);
      } catch (cause) {
        if (!isRefusedApart(cause)) throw cause;
        liesApart = true;
      }
    }
    await enter(commit.key, commit.fields);
    return client.sessionCommitBuffer(session, ...parts);
  };

  /** The index may name what the commit did not write. */
  const correctIndex = async (commit: SessionCommit, current: StoredSession | undefined): Promise<void> => {
    // The loser of a creation has entered its own time for the winner's session.
    if (current && commit.expected === undefined) await enter(commit.key, current.fields);
    // Who came too late for a session that was removed has named it to its owner's index all the same.
    if (!current) await withdraw(commit);
  };

  /** One that has only expired stays named: an erasure must find its row. */
  const withdraw = async ({ key, fields: { owner, createdAt } }: SessionCommit): Promise<void> => {
    if ((await client.exists(names.session(key))) === 0) await index.withdraw(owner, { key, createdAt });
  };

  const remove = async (key: string, owner = ""): Promise<{ owner: string; wasLive: boolean } | undefined> => {
    const reply = asReply(await client.sessionRemoveBuffer(names.session(key), clock(), owner));
    return reply.length === 0 ? undefined : { owner: textAt(reply, 0), wasLive: reply[1] === 1 };
  };

  return {
    async load(key, known) {
      const { revision = "", sequence = -1 } = known ?? {};
      const reply = await translated(client.sessionLoadBuffer(names.session(key), clock(), revision, sequence));
      return parseSnapshot(asReply(reply));
    },
    async readTurns(key, from, to) {
      const last = Math.min(to, Number.MAX_SAFE_INTEGER);
      const reply = await translated(client.sessionReadTurnsBuffer(names.session(key), clock(), from, last));
      return parseTurns(asReply(reply));
    },
    async commit(commit) {
      const reply = asReply(await translated(send(commit)));
      const outcome = textAt(reply, 0);
      if (outcome === "committed") return { committed: true };
      if (outcome === "taken") throw turnSequenceTaken(commit.turn?.sequence);
      const current = parseSnapshot(reply.slice(1));
      if (liesApart) await translated(correctIndex(commit, current));
      return { committed: false, current };
    },
    async remove(key) {
      const removed = await translated(remove(key));
      if (!removed) return false;
      await translated(index.leave(removed.owner, key));
      return removed.wasLive;
    },
    list: (owner, page) => translated(index.list(owner, page)),
    count: (owner, atMost) => translated(index.count(owner, atMost)),
    removeOwner: (owner, step = runPiece) =>
      index.removeAll(owner, {
        remove: async (key) => (await remove(key, owner))?.wasLive,
        step: (piece) => step(() => translated(piece())),
      }),
    scan: (after) => translated(scanSessions({ connection, names, clock }, after)),
  };
}

function commitArguments(commit: SessionCommit, now: number): (string | number | Buffer)[] {
  const { expected = "", revision, fields, head, known, turn } = commit;
  const index = [fields.owner, fields.createdAt, fields.expiresAt, fields.loadFrom];
  const knownRevision = [known?.revision ?? "", known?.sequence ?? -1];
  const turnOrNone = turn ? [turn.sequence, encodeTurn(turn)] : ["", ""];
  const slots = [...(commit.slots ?? [])].flatMap(([name, sealed]) => [
    name,
    sealed ? Buffer.concat([PRESENT, sealed]) : REMOVED,
  ]);
  return [now, expected, revision, ...index, head, ...knownRevision, ...turnOrNone, commit.key, ...slots];
}

/** Nothing was carried out then. */
const isRefusedApart = (cause: unknown): boolean => cause instanceof Error && cause.message.startsWith("CROSSSLOT");
