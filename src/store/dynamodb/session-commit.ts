import { randomBytes } from "node:crypto";

import type { Clock } from "../../kit/clock.ts";
import { type CommitOutcome, committed, type SessionCommit } from "../session-store.ts";
import { turnSequenceTaken } from "../turn-sequence-taken.ts";
import type { DynamoTable, Expression, Item } from "./dynamo-table.ts";
import { inParallel } from "./in-parallel.ts";
import { keyOf } from "./item-values.ts";
import type { KnownHeads } from "./known-heads.ts";
import type { Operations } from "./operations.ts";
import type { OwnerIndex } from "./owner-index.ts";
import {
  decodeHead,
  encodeHead,
  headKey,
  incarnationOf,
  noTurn,
  type SessionHead,
  type SlotPointer,
} from "./session-head.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import type { SessionReader } from "./session-reader.ts";
import { isTurn, partsOf, ROW_GRACE_MS, slotKeys, slotRows, turnRows } from "./session-rows.ts";

export interface SessionParts {
  readonly table: DynamoTable;
  readonly reader: SessionReader;
  readonly heads: KnownHeads;
  readonly index: OwnerIndex;
  readonly keeper: SessionKeeper;
  readonly operations: Operations;
  readonly clock: Clock;
}

type Base = Pick<SessionHead, "last" | "slots" | "keptUntil"> & { readonly fields?: SessionHead["fields"] };

interface Attempt {
  readonly commit: SessionCommit;
  readonly base: Base;
  readonly next: SessionHead;
  readonly rows: readonly Item[];
}

const MAX_HEAD_BYTES = 300 * 1_024;

/**
 * Two steps: rows that nobody counts yet, then one conditional write of the head that counts them. What the head of
 * `expected` said is known from the load before, else it is read; a session that has moved on is noticed then, before
 * anything is written.
 */
export function createSessionCommit(parts: SessionParts): (commit: SessionCommit) => Promise<CommitOutcome> {
  const { table, heads, keeper, operations, clock } = parts;
  return async (commit) => {
    if (commit.head.length > MAX_HEAD_BYTES) throw new TypeError("the head of a session is too large for one item");
    const base = await findBase(parts, commit);
    if (!base || (commit.turn && commit.turn.sequence <= base.last.sequence)) return settle(parts, commit, undefined);
    const attempt = prepare(commit, base, clock());
    const { next } = attempt;
    // Failed again and again to do so in time, behind earlier commits.
    if (next.fields.expiresAt > base.keptUntil) await keeper.prolong({ ...next, last: base.last, slots: base.slots });
    await writeRows(parts, attempt);
    const { written, old } = await table.put(encodeHead(next), whileUnchanged(commit, clock()));
    if (!written) return settle(parts, commit, attempt);
    heads.keep(next);
    operations.tidy(() => tidyUp(parts, attempt, old));
    return committed;
  };
}

/** `undefined` when the session is not at `expected`. */
async function findBase({ heads, reader, clock }: SessionParts, commit: SessionCommit): Promise<Base | undefined> {
  const { key, expected, fields } = commit;
  if (expected === undefined) return { last: noTurn, slots: [], keptUntil: fields.expiresAt + ROW_GRACE_MS };
  const head = heads.at(key, expected) ?? (await reader.readHead(key));
  return head?.revision === expected && head.fields.expiresAt > clock() ? head : undefined;
}

function prepare(commit: SessionCommit, base: Base, now: number): Attempt {
  const { key, revision, fields, turn } = commit;
  const fresh = fields.expiresAt + ROW_GRACE_MS;
  const context = { key, revision, writtenAt: now, keptUntil: Math.max(base.keptUntil, fresh) };
  const changed = changedSlots(commit);
  const rows = [
    ...(turn ? turnRows(context, turn, base.last) : []),
    ...changed.flatMap(({ slot, sealed }) => slotRows(context, slot, sealed)),
  ];
  const next = {
    key,
    revision,
    fields,
    sealed: commit.head,
    last: turn ? { sequence: turn.sequence, id: turn.id } : base.last,
    slots: [...base.slots.filter(({ name }) => !commit.slots?.has(name)), ...changed.map(({ slot }) => slot)],
    keptUntil: fields.expiresAt > base.keptUntil ? fresh : base.keptUntil,
  };
  return { commit, base, next, rows };
}

/** A slot is never overwritten: it is written beside the old one, and the head names the new one. */
function changedSlots({ slots = new Map() }: SessionCommit): { slot: SlotPointer; sealed: Buffer }[] {
  return [...slots].flatMap(([name, sealed]) => {
    if (!sealed) return [];
    return [{ slot: { name, version: randomBytes(8).toString("hex"), parts: partsOf(sealed) }, sealed }];
  });
}

async function writeRows({ table, index }: SessionParts, { rows, base, next }: Attempt): Promise<void> {
  // A row that is there was written by this commit when it was first tried.
  const written = inParallel(rows, (row) => table.put(row, { expression: "attribute_not_exists(pk)" }));
  const isListed = base.fields?.owner === next.fields.owner && base.fields.createdAt === next.fields.createdAt;
  await Promise.all([written, isListed || index.enter(next)]);
}

function whileUnchanged({ expected }: SessionCommit, now: number): Expression {
  const time: Item = { ":now": { N: String(now) } };
  if (expected === undefined) return { expression: "attribute_not_exists(pk) OR expiresAt <= :now", values: time };
  return { expression: "revision = :expected AND expiresAt > :now", values: { ...time, ":expected": { S: expected } } };
}

/** What came of a commit whose head was not written, now at least. */
async function settle(
  parts: SessionParts,
  commit: SessionCommit,
  attempt: Attempt | undefined,
): Promise<CommitOutcome> {
  const { reader, heads, operations } = parts;
  const current = await reader.load(commit.key, commit.known);
  if (current) heads.keep(current.head);
  else heads.forget(commit.key);
  if (attempt) operations.tidy(() => discard(parts, attempt, current?.head));
  if (current && isInPlace(current.head, commit)) return committed;
  if (current?.head.revision === commit.expected && commit.expected !== undefined) {
    throw turnSequenceTaken(commit.turn?.sequence);
  }
  return { committed: false, current: current?.session };
}

function isInPlace(head: SessionHead, { revision, head: sealed, turn }: SessionCommit): boolean {
  if (head.revision !== revision || !head.sealed.equals(sealed)) return false;
  return turn === undefined || (head.last.sequence === turn.sequence && head.last.id === turn.id);
}

/** Removes what an attempt wrote in vain. An earlier try of the same commit may have counted its turn. */
async function discard(parts: SessionParts, { commit, next, rows }: Attempt, current: SessionHead | undefined) {
  const { table, reader, index } = parts;
  const isSameLife = current !== undefined && incarnationOf(current.revision) === incarnationOf(next.revision);
  const counted = new Set(isSameLife ? current.slots.flatMap(slotKeys).map(String) : []);
  if (!isSameLife && commit.expected === undefined) await index.leave(next);
  const turnCounts = isSameLife && (await isCounted(reader, commit));
  const vain = rows.map(keyOf).filter(({ sk }) => (isTurn(sk) ? !turnCounts : !counted.has(String(sk))));
  await table.removeMany(vain);
}

async function isCounted(reader: SessionReader, { key, turn }: SessionCommit): Promise<boolean> {
  if (!turn) return false;
  const [counted] = await reader.readTurns(key, turn.sequence, turn.sequence + 1);
  return counted?.id === turn.id;
}

/** Slots that were replaced, and what is left of an expired session in whose place this one is. */
async function tidyUp(parts: SessionParts, { base, next }: Attempt, old: Item | undefined): Promise<void> {
  const { table, keeper, index } = parts;
  const versions = new Set(next.slots.map(({ version }) => version));
  const replaced = base.slots.filter(({ version }) => !versions.has(version));
  const { pk } = headKey(next.key);
  await table.removeMany(replaced.flatMap(slotKeys).map((sk) => ({ pk, sk })));
  if (old && !base.fields) {
    const expired = decodeHead(old);
    await keeper.removeRows(next.key, ({ incarnation }) => incarnation === incarnationOf(expired.revision));
    await index.leave(expired);
  }
  if (next.fields.expiresAt + ROW_GRACE_MS / 2 > next.keptUntil) await keeper.prolong(next);
}
