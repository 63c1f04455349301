import type { RecallIndex, RecallUnit } from "./recall-index.ts";

/** A unit's name outside this process: the same in every index of a transcript that has its turn. */
export function unitId(index: RecallIndex, { turn, position }: RecallUnit): string {
  return `${index.keyAt(turn)}:${position - index.unitsIn(turn)}`;
}
