import type { HistoryMessage } from "../history/history-strategy.ts";
import { composeRecall } from "../history/recall/compose-recall.ts";
import { type Ask, readAsk } from "../history/recall/read-ask.ts";
import { createRecallIndex } from "../history/recall/recall-index.ts";
import { preparedUnits } from "../history/recall/recall-units.ts";
import { readRemark } from "../history/recall/remark.ts";
import { openTermReader } from "../history/recall/term-reader.ts";
import type { Conversation, PlayOptions } from "./play-conversation.ts";
import { recallRoom } from "./recall-turn.ts";

interface PlayedRecallOptions {
  /** 0: nothing is recalled. */
  readonly maxTokens: number;
  /** A pause as long begins another sitting. */
  readonly episodeGapMs: number;
}

/**
 * Recall for a conversation that is played: its index is made once, and looked into up to where each request stands.
 * Made within a conversation's own turns, as with the scope `session`.
 */
export async function openPlayedRecall(
  { exchanges }: Conversation,
  { maxTokens, episodeGapMs }: PlayedRecallOptions,
): Promise<NonNullable<PlayOptions["recall"]>> {
  const reader = await openTermReader();
  const index = createRecallIndex(reader, { episodeGapMs });
  for (const [turn, { at, incoming, answer }] of exchanges.entries()) {
    await index.add({ key: String(turn), at, messages: answer ? [...incoming, answer] : incoming });
  }
  const texts = exchanges.flatMap(({ incoming }) => {
    const ask = askOf(incoming);
    return ask ? [ask.question, ask.query] : [];
  });
  await reader.prepare(texts, index.language);
  return ({ view, selection }) => {
    const turns = selection.epoch.firstTurn;
    const ask = maxTokens > 0 && turns > 0 ? askOf(view.incoming) : undefined;
    if (!ask) return undefined;
    const units = preparedUnits(reader, ask, [{ index, turns, allTurns: view.turns.length }]);
    return units && composeRecall(units, recallRoom(ask, maxTokens, { view, selection }))?.text;
  };
}

function askOf(incoming: readonly HistoryMessage[]): Ask | undefined {
  const newest = incoming.at(-1);
  return newest?.role === "user" ? readAsk(readRemark(newest)?.text ?? "") : undefined;
}
