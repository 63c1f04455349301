import { type KnownRevision, type SealedTurn, type StoredSession, unchangedSession } from "../session-store.ts";
import type { WaitingTurn } from "./waiting-turn.ts";

/**
 * A session as its waiting turns leave it, without the store: what a caller who holds the newest of them needs, and the
 * whole of a session that began with them. `undefined` where only the store knows the rest.
 */
export function readWaiting(
  turns: readonly WaitingTurn[],
  known: KnownRevision | undefined,
): StoredSession | undefined {
  const last = turns.at(-1)?.commit;
  if (!last) return undefined;
  const { revision, fields, head } = last;
  if (known?.revision === revision) return unchangedSession(revision, fields);
  const whole = turnsOfWhole(turns);
  if (!whole) return undefined;
  const first = known ? known.sequence + 1 : fields.loadFrom;
  return { revision, fields, head, slots: slotsAfter(turns), turns: whole.filter(({ sequence }) => sequence >= first) };
}

/** `undefined` for a session that began before its waiting turns. */
export function turnsOfWhole(turns: readonly WaitingTurn[]): readonly SealedTurn[] | undefined {
  const [first] = turns;
  return first && first.commit.expected === undefined ? turns.map(({ commit }) => commit.turn) : undefined;
}

function slotsAfter(turns: readonly WaitingTurn[]): Map<string, Buffer> {
  const slots = new Map<string, Buffer>();
  for (const [name, sealed] of turns.flatMap(({ commit }) => [...(commit.slots ?? [])])) {
    if (sealed) slots.set(name, sealed);
    else slots.delete(name);
  }
  return slots;
}
