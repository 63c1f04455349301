import type { Clock } from "../../kit/clock.ts";
import {
  type CommitOutcome,
  committed,
  type KnownRevision,
  runPiece,
  type SealedTurn,
  type SessionCommit,
  type SessionFields,
  type SessionStore,
  type StoredSession,
} from "../session-store.ts";
import { turnSequenceTaken } from "../turn-sequence-taken.ts";
import type { Word } from "./encode-command.ts";
import type { OwnerIndex } from "./owner-index.ts";
import { readAnswer, type RedisConnection, rethrow, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";
import { scanSessions } from "./scan-sessions.ts";
import { asReply, parseSnapshot, parseTurns, textAt, TURN_ID_LENGTH } from "./session-reply.ts";
import { commitSession, loadSession, readSessionTurns, removeSession } from "./session-scripts.ts";

const nothingKnown: KnownRevision = { revision: "", sequence: -1 };

export interface RedisSessionStoreParts {
  readonly connection: RedisConnection;
  readonly names: RedisNames;
  readonly index: OwnerIndex;
  readonly clock: Clock;
  /** Told of every write that takes more than one step. */
  readonly follow: <T>(write: Promise<T>) => Promise<T>;
}

interface RemovedSession {
  readonly owner: string;
  readonly wasLive: boolean;
  readonly createdAt: number;
}

export function createRedisSessionStore(parts: RedisSessionStoreParts): SessionStore {
  const { connection, names, index, clock, follow } = parts;
  const { client, callScript, isCluster } = connection;
  const enter = (key: string, { owner, createdAt, expiresAt }: SessionFields): Promise<unknown> =>
    index.enter(owner, { key, createdAt }, expiresAt);

  /** Set in a cluster, and behind a proxy for one: a script may not have keys that lie on two nodes. */
  let liesApart = isCluster;

  const commitTogether = async (commit: SessionCommit): Promise<CommitOutcome> => {
    const keys = [names.session(commit.key), names.owner(commit.fields.owner)];
    let reply: unknown;
    try {
      reply = await callScript(commitSession, keys, commitArguments(commit, clock()));
    } catch (cause) {
      if (!isRefusedApart(cause)) return rethrow(cause);
      liesApart = true;
      return follow(commitApart(commit));
    }
    return outcomeOf(reply, commit);
  };

  /** The index first: it may name a session that is not there, but never lack one. */
  const commitApart = async (commit: SessionCommit): Promise<CommitOutcome> => {
    const keys = [names.session(commit.key)];
    await translated(enter(commit.key, commit.fields));
    const values = commitArguments(commit, clock());
    const reply = await translated(callScript(commitSession, keys, values));
    const outcome = outcomeOf(reply, commit);
    if (!outcome.committed) await translated(correctIndex(commit, outcome.current));
    return outcome;
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

  const remove = async (key: string, owner = ""): Promise<RemovedSession | undefined> => {
    const keys = [names.session(key)];
    const reply = asReply(await callScript(removeSession, keys, [clock(), owner]));
    if (reply.length === 0) return undefined;
    return { owner: textAt(reply, 0), wasLive: reply[1] === 1, createdAt: Number(textAt(reply, 2)) };
  };

  const removeNamed = async (key: string): Promise<boolean> => {
    const removed = await translated(remove(key));
    if (!removed) return false;
    // One that began anew meanwhile has an entry of its own.
    await translated(index.withdraw(removed.owner, { key, createdAt: removed.createdAt }));
    return removed.wasLive;
  };

  return {
    load(key, known) {
      const { revision, sequence } = known ?? nothingKnown;
      const values = [`${clock()} ${revision} ${sequence}`];
      return readAnswer(callScript(loadSession, [names.session(key)], values), readSnapshot);
    },
    readTurns(key, from, to) {
      const values = [clock(), from, Math.min(to, Number.MAX_SAFE_INTEGER)];
      return readAnswer(callScript(readSessionTurns, [names.session(key)], values), readTurns);
    },
    commit: (commit) => (liesApart ? follow(commitApart(commit)) : commitTogether(commit)),
    remove: (key) => follow(removeNamed(key)),
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

const readSnapshot = (reply: unknown): StoredSession | undefined => parseSnapshot(asReply(reply));
const readTurns = (reply: unknown): SealedTurn[] => parseTurns(asReply(reply));

function outcomeOf(reply: unknown, { turn }: SessionCommit): CommitOutcome {
  if (reply === 1) return committed;
  if (reply === 0) throw turnSequenceTaken(turn?.sequence);
  return { committed: false, current: parseSnapshot(asReply(reply)) };
}

function commitArguments(commit: SessionCommit, now: number): Word[] {
  const { key, expected = "", revision, fields, head, known = nothingKnown, turn, slots } = commit;
  const { owner, createdAt, expiresAt, loadFrom } = fields;
  const plain = `${now} ${createdAt} ${expiresAt} ${loadFrom} ${expected} ${revision} ${known.revision} ${known.sequence}`;
  const stored: Word = turn ? [turnId(turn), turn.sealed] : "";
  const values = [`${plain} ${turn?.sequence ?? ""}`, owner, key, head, stored];
  for (const [name, sealed] of slots ?? []) values.push(name, sealed ? ["=", sealed] : "-");
  return values;
}

/** It lies before the turn's sealed bytes in one field. */
function turnId({ id }: SealedTurn): string {
  if (Buffer.byteLength(id) !== TURN_ID_LENGTH) throw new TypeError("a turn id has 32 hex digits");
  return id;
}

/** Nothing was carried out then. */
const isRefusedApart = (cause: unknown): boolean => cause instanceof Error && cause.message.startsWith("CROSSSLOT");
