import { compactHistory } from "./compact-history.ts";
import type { HistoryStrategy } from "./history-strategy.ts";
import { firstTurnKept } from "./start-turn.ts";

/** The newest turns, and nothing of what came before them. */
export const windowStrategy: HistoryStrategy = {
  name: "window",
  firstTurnNeeded: (held, { windowTurns }) => firstTurnKept(held, windowTurns),
  select: (view) => compactHistory(view, { keepTurns: view.knobs.windowTurns, floorTokens: 0, summaryMode: "off" }),
};
