import { isSameIncarnation } from "../revision.ts";
import type { SessionStore } from "../session-store.ts";
import type { DeliveryHooks } from "./delivery-hooks.ts";
import type { WaitingTurn } from "./waiting-turn.ts";

/** What became of a waiting turn. `dropped`: its session, or its user's key, is gone, and stays gone. */
export type Delivery = "stored" | "reappended" | "dropped" | "set_aside";

interface DeliveryParts {
  readonly sessions: SessionStore;
  readonly hooks: DeliveryHooks;
  /** Called before the first turn of a session goes into another life of it, which another replica began. */
  readonly moveRest: () => Promise<void>;
}

/** Repeats the commit unchanged: it may have been written when it seemed to fail (see `SessionStore.commit`). */
export async function deliverTurn({ commit, moved }: WaitingTurn, parts: DeliveryParts): Promise<Delivery> {
  const { sessions, hooks, moveRest } = parts;
  const begins = commit.expected === undefined;
  const outcome = await sessions.commit(commit);
  if (outcome.committed) {
    if (!begins || (await hooks.isStillTheirs(commit))) return "stored";
    await sessions.remove(commit.key);
    return "dropped";
  }
  const { current } = outcome;
  if (!current) return "dropped";
  const isSameLife = isSameIncarnation(current.revision, commit.revision);
  // Nobody else could begin the life that this commit begins.
  if ((begins && isSameLife) || current.turns.some(({ id }) => id === commit.turn.id)) return "stored";
  if (!isSameLife && !begins && !moved) return "dropped";
  if (begins) await moveRest();
  return (await hooks.reappend(commit, sessions)) ? "reappended" : "dropped";
}
