import { compactHistory } from "./compact-history.ts";
import type { HistoryStrategy } from "./history-strategy.ts";
import { firstTurnKept } from "./start-turn.ts";

/** The newest turns verbatim, and a rolling summary of what came before them. */
export const hybridStrategy: HistoryStrategy = {
  name: "hybrid",
  firstTurnNeeded: (epochFirstTurn, turnCount, { keepTurns }) => firstTurnKept(epochFirstTurn, turnCount, keepTurns),
  select: (view) => compactHistory(view, view.knobs),
};
