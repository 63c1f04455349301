import { compactHistory } from "./compact-history.ts";
import type { CompactionRule, HistoryKnobs, HistoryStrategy } from "./history-strategy.ts";
import { firstTurnKept } from "./start-turn.ts";

const rule = ({ windowTurns, windowTokens }: HistoryKnobs): CompactionRule => ({
  keepTurns: windowTurns,
  floorTokens: windowTokens,
  summaryMode: "off",
});

/** The newest turns, and nothing of what came before them. */
export const windowStrategy: HistoryStrategy = {
  name: "window",
  recalls: false,
  firstTurnNeeded: (held, { windowTurns }) => firstTurnKept(held, windowTurns),
  rule,
  select: (view) => compactHistory(view, rule(view.knobs)),
};
