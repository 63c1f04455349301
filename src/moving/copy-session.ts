import { isSameIncarnation } from "../store/revision.ts";
import type { SealedTurn, SessionCommit, SessionStore } from "../store/session-store.ts";
import { knownAs, sessionTurns } from "./session-turns.ts";

export interface SessionStores {
  readonly from: SessionStore;
  readonly to: SessionStore;
}

/**
 * `there`: the target has this very revision. `gone`: it was removed or expired meanwhile. `contested`: somebody else
 * writes it in the target.
 */
export interface CopiedSession {
  readonly outcome: "copied" | "there" | "gone" | "contested";
  readonly turns: number;
}

/**
 * Writes the session turn by turn under revisions that no gateway gives, and only with the last one its true revision:
 * a copy that broke off is never taken for a whole one, and the next run makes it anew.
 */
export async function copySession({ from, to }: SessionStores, key: string): Promise<CopiedSession> {
  const session = await from.load(key);
  if (!session?.head) return { outcome: "gone", turns: 0 };
  const known = knownAs(session.revision);
  const held = await to.load(key, known);
  if (held?.revision === session.revision) return { outcome: "there", turns: 0 };
  if (held) await to.remove(key);

  /** A session that expires while it is written is absent for the target as well. */
  const refused = async (): Promise<CopiedSession> => {
    const isLive = (await from.load(key, known)) !== undefined;
    return { outcome: isLive ? "contested" : "gone", turns: 0 };
  };
  const { fields, head, slots } = session;
  let expected: string | undefined;
  const write = async (change: Pick<SessionCommit, "revision" | "slots" | "turn">): Promise<boolean> => {
    const { committed } = await to.commit({ key, fields, head, expected, ...change });
    expected = change.revision;
    return committed;
  };
  let turns = 0;
  let last: SealedTurn | undefined;
  for await (const turn of sessionTurns(from, key, session)) {
    turns += 1;
    const revision = provisionalRevision(session.revision, turns);
    if (last && !(await write({ revision, turn: last }))) return refused();
    last = turn;
  }
  // Turns are never rewritten, so what was read belongs together as long as the session is the same one.
  const now = await from.load(key, known);
  if (!now || !isSameIncarnation(now.revision, session.revision)) {
    await to.remove(key);
    return { outcome: "gone", turns: 0 };
  }
  const isWhole = await write({ revision: session.revision, slots, ...(last && { turn: last }) });
  return isWhole ? { outcome: "copied", turns } : refused();
}

/** Of the same incarnation, with a number that no gateway counts to. */
function provisionalRevision(revision: string, step: number): string {
  return `${revision.slice(0, revision.indexOf("."))}.-${step}`;
}
