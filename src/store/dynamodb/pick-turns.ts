import type { SealedTurn } from "../session-store.ts";
import type { TurnPointer } from "./session-head.ts";
import type { TurnPart } from "./session-rows.ts";

export interface PickedTurns {
  /** In order. */
  readonly turns: SealedTurn[];
  /** False when a turn that counts is not among the rows. */
  readonly isWhole: boolean;
}

interface Span {
  readonly incarnation: string;
  /** Turns before this sequence are not asked for. */
  readonly from: number;
  /** The turn that counts with the highest sequence; without an id it is not known which one that is. */
  readonly last: { readonly sequence: number; readonly id?: string };
}

/**
 * Which turns count: the head names the last one, and each names the one before it. A turn that lost a race is named by
 * nobody. Behind a hole, and where nobody says which turn is the last, a sequence with a single turn speaks for itself:
 * the one that counts was written before its head, and is never removed before it.
 */
export function pickTurns(parts: readonly TurnPart[], { incarnation, from, last }: Span): PickedTurns {
  const bySequence = Map.groupBy(
    parts.filter((part) => part.incarnation === incarnation),
    ({ sequence }) => sequence,
  );
  const turns: SealedTurn[] = [];
  let isWhole = true;
  let wanted: Partial<TurnPointer> = last;
  for (let sequence = last.sequence; sequence >= from;) {
    const found = turnAt(bySequence.get(sequence) ?? [], wanted.id);
    if (found) turns.push(found.turn);
    else isWhole = false;
    wanted = found?.previous ?? {};
    sequence = Math.min(wanted.sequence ?? sequence, sequence - 1);
  }
  return { turns: turns.reverse(), isWhole };
}

function turnAt(
  parts: readonly TurnPart[],
  id: string | undefined,
): { turn: SealedTurn; previous: TurnPointer } | undefined {
  const byId = Map.groupBy(parts, (part) => part.id);
  const [only] = byId.size === 1 ? byId.keys() : [];
  const own = byId.get(id ?? only ?? "")?.toSorted((left, right) => left.part - right.part);
  const first = own?.[0];
  if (!own || !first || own.length !== first.parts) return undefined;
  const sealed = own.length === 1 ? first.bytes : Buffer.concat(own.map(({ bytes }) => bytes));
  return { turn: { sequence: first.sequence, id: first.id, sealed }, previous: first.previous };
}
