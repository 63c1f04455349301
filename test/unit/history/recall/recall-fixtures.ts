import { createRecallIndex, type RecallIndex, type RecallTurn } from "../../../../src/history/recall/recall-index.ts";
import { openTermReader } from "../../../../src/history/recall/term-reader.ts";
import { message } from "../history-session.ts";

export const reader = await openTermReader();

export const MINUTE = 60_000;
/** A pause of half an hour begins another sitting. */
export const episodeGapMs = 30 * MINUTE;

export interface SaidTurn {
  readonly at?: number;
  readonly user: string;
  readonly assistant?: string;
}

/** Turns a minute apart. */
export const turnsOf = (said: readonly (string | SaidTurn)[]): RecallTurn[] =>
  said.map((one, index) => {
    const { user, assistant, at = index * MINUTE } = typeof one === "string" ? { user: one } : one;
    const messages = [message("user", user), ...(assistant === undefined ? [] : [message("assistant", assistant)])];
    return { key: `turn-${index}`, at, messages };
  });

export async function indexOf(turns: readonly RecallTurn[]): Promise<RecallIndex> {
  const index = createRecallIndex(reader, { episodeGapMs });
  for (const turn of turns) await index.add(turn);
  return index;
}
