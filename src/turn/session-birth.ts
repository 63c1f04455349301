import { randomBytes } from "node:crypto";

import { GatewayError } from "../errors/gateway-error.ts";
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
 * taken back, and the answer is that of a session that was removed.
 * @throws GatewayError `store_unavailable`, `record_unreadable`
 */
export async function commitBirth(
  place: BirthPlace,
  { identity }: SessionBirth,
  commit: SessionCommit,
): Promise<CommitOutcome> {
  const outcome = await commitTwice(place.sessions, commit);
  if (!outcome.committed || (await isStillTheirs(place, identity, commit))) return outcome;
  await place.sessions.remove(commit.key);
  place.sealer.forget(identity.owner);
  return { committed: false, current: undefined };
}

async function isStillTheirs(
  { sessions, sealer }: BirthPlace,
  identity: SessionIdentity,
  { key, head, revision }: SessionCommit,
): Promise<boolean> {
  try {
    return await sealer.isCurrent(identity, head);
  } catch (error) {
    // Nothing is known, and the turn will be reported as lost. What another replica has added since was acknowledged.
    const stored = await sessions.load(key, { revision, sequence: 0 });
    if (stored?.revision === revision) await sessions.remove(key);
    throw error;
  }
}

/** A commit that timed out may have been written: asking once more with the same revision tells. */
export function commitTwice(sessions: SessionStore, commit: SessionCommit): Promise<CommitOutcome> {
  return sessions.commit(commit).catch((error: unknown) => {
    if (!(error instanceof GatewayError && error.code === "store_unavailable")) throw error;
    return sessions.commit(commit);
  });
}
