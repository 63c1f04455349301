import { randomBytes } from "node:crypto";

import { hasCode } from "../errors/gateway-error.ts";
import type { Sealer, SessionIdentity, SessionSealer } from "../sealing/sealer.ts";
import type { CommitOutcome, SessionCommit, SessionStore } from "../store/session-store.ts";
import type { SessionRef } from "./opened-session.ts";

/** A session that is about to begin, under the key that its user has now. */
export interface SessionBirth {
  readonly identity: SessionIdentity;
  readonly keys: SessionSealer;
}

export interface BirthPlace {
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
}

/**
 * To be called before the work whose result will be sealed, such as asking a model: if the user is erased meanwhile, the
 * result is under a key that is gone, and not under a new one.
 * @throws GatewayError `store_unavailable`, `record_unreadable`
 */
export async function beginSession({ sealer }: Pick<BirthPlace, "sealer">, ref: SessionRef): Promise<SessionBirth> {
  const identity = { ...ref, incarnation: randomBytes(16).toString("hex") };
  return { identity, keys: await sealer.forNewSession(identity) };
}

/**
 * Commits a session's first revision. An erasure that began before it stood in the store does not see it: then it is
 * taken back, and the answer is that of a session that was removed. For a deferred commit this is asked when it is
 * delivered (`deliver-waiting.ts`).
 * @throws GatewayError `store_unavailable`, `record_unreadable`
 */
export async function commitBirth(
  place: BirthPlace,
  { identity }: SessionBirth,
  commit: SessionCommit,
): Promise<CommitOutcome> {
  const { sessions, sealer } = place;
  const outcome = await commitTwice(sessions, commit);
  if (!outcome.committed || outcome.deferred) return outcome;
  try {
    if (await sealer.isCurrent(identity, commit.head)) return outcome;
  } catch (error) {
    return keepOrTakeBack(sessions, commit, error);
  }
  await sessions.remove(commit.key);
  sealer.forget(identity.owner);
  return { committed: false, current: undefined };
}

/** Nothing is known: an outbox keeps the commit until it is, and without one the turn will be reported as lost. */
async function keepOrTakeBack(sessions: SessionStore, commit: SessionCommit, error: unknown): Promise<CommitOutcome> {
  const kept = await sessions.commit(commit).catch(() => undefined);
  if (kept?.committed && kept.deferred) return kept;
  // What another replica has added since was acknowledged.
  const { key, revision } = commit;
  const stored = await sessions.load(key, { revision, sequence: 0 });
  if (stored?.revision === revision) await sessions.remove(key);
  throw error;
}

/** A commit that timed out may have been written: asking once more with the same revision tells. */
export function commitTwice(sessions: SessionStore, commit: SessionCommit): Promise<CommitOutcome> {
  return sessions.commit(commit).catch((error: unknown) => {
    if (!hasCode(error, "store_unavailable")) throw error;
    return sessions.commit(commit);
  });
}
