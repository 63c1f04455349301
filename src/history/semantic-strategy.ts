import { compactHistory } from "./compact-history.ts";
import type { CompactionRule, HistoryKnobs, HistoryStrategy } from "./history-strategy.ts";
import { firstTurnKept } from "./start-turn.ts";

const rule = ({ keepTurns, floorTokens }: HistoryKnobs): CompactionRule => ({
  keepTurns,
  floorTokens,
  summaryMode: "off",
});

/** The newest turns verbatim, no summary, and of what came before them what a message asks for. */
export const semanticStrategy: HistoryStrategy = {
  name: "semantic",
  recalls: true,
  firstTurnNeeded: (held, { keepTurns }) => firstTurnKept(held, keepTurns),
  rule,
  select: (view) => compactHistory(view, rule(view.knobs)),
};
