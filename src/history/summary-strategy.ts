import { compactHistory } from "./compact-history.ts";
import type { HistoryKnobs, HistoryStrategy } from "./history-strategy.ts";
import { firstTurnUntold } from "./start-turn.ts";

const fewTurns = (knobs: HistoryKnobs): HistoryKnobs => ({ ...knobs, keepTurns: knobs.summaryKeepTurns });

/** Summarise and trim: a running summary of everything but the newest few turns. */
export const summaryStrategy: HistoryStrategy = {
  name: "summary",
  recalls: false,
  firstTurnNeeded: (held, knobs) => firstTurnUntold(held, fewTurns(knobs)),
  rule: fewTurns,
  select: (view) => compactHistory(view, fewTurns(view.knobs)),
};
