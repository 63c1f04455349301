import { randomBytes } from "node:crypto";

import type { SealedTurn, SessionCommit, SessionFields, SessionStore } from "../../src/store/session-store.ts";

export const HOUR_MS = 3_600_000;

/** A name nobody else uses, so that tests share a store without meeting. */
export function uniqueName(kind: string): string {
  return `${kind}-${randomBytes(8).toString("hex")}`;
}

export function turnOf(sequence: number, text = `turn ${sequence}`): SealedTurn {
  return { sequence, id: randomBytes(16).toString("hex"), sealed: Buffer.from(text) };
}

/** The first commit of a session, as a caller would make it; `changes` replace parts of it. */
export function openingOf(key: string, fields: SessionFields, changes: Partial<SessionCommit> = {}): SessionCommit {
  const revision = `${randomBytes(8).toString("hex")}.0`;
  return { key, expected: undefined, revision, fields, head: randomBytes(32), turn: turnOf(0), ...changes };
}

/** The commit that follows one which was acknowledged. */
export function followUpOf(previous: SessionCommit, changes: Partial<SessionCommit> = {}): SessionCommit {
  const [incarnation, number] = previous.revision.split(".");
  return {
    key: previous.key,
    expected: previous.revision,
    revision: `${incarnation}.${Number(number) + 1}`,
    fields: previous.fields,
    head: randomBytes(32),
    turn: turnOf((previous.turn?.sequence ?? -1) + 1),
    ...changes,
  };
}

/** Commits an opening and follow-ups, `turns` in all, and returns every commit made. */
export async function writeTurns(
  store: SessionStore,
  opening: SessionCommit,
  turns: number,
): Promise<[SessionCommit, ...SessionCommit[]]> {
  const commits: [SessionCommit, ...SessionCommit[]] = [opening];
  await mustCommit(store, opening);
  let last = opening;
  while (commits.length < turns) {
    last = followUpOf(last);
    await mustCommit(store, last);
    commits.push(last);
  }
  return commits;
}

export async function mustCommit(store: SessionStore, commit: SessionCommit): Promise<void> {
  const outcome = await store.commit(commit);
  if (!outcome.committed) throw new Error(`expected ${commit.revision} to be committed`);
}
