import { compactHistory } from "./compact-history.ts";
import type { HistoryStrategy } from "./history-strategy.ts";
import { firstTurnUntold } from "./start-turn.ts";

/** The newest turns verbatim, a rolling summary of what came before them, and of that what a message asks for. */
export const hybridStrategy: HistoryStrategy = {
  name: "hybrid",
  recalls: true,
  firstTurnNeeded: (held, knobs) => firstTurnUntold(held, knobs),
  rule: (knobs) => knobs,
  select: (view) => compactHistory(view, view.knobs),
};
