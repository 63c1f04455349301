import { compactHistory } from "./compact-history.ts";
import type { HistoryStrategy } from "./history-strategy.ts";
import { firstTurnUntold } from "./start-turn.ts";

/** The newest turns verbatim, and a rolling summary of what came before them. */
export const hybridStrategy: HistoryStrategy = {
  name: "hybrid",
  firstTurnNeeded: (held, knobs) => firstTurnUntold(held, knobs),
  rule: (knobs) => knobs,
  select: (view) => compactHistory(view, view.knobs),
};
