import { fullStrategy } from "./full-strategy.ts";
import type { HistoryStrategy, StrategyName } from "./history-strategy.ts";
import { hybridStrategy } from "./hybrid-strategy.ts";
import { summaryStrategy } from "./summary-strategy.ts";
import { windowStrategy } from "./window-strategy.ts";

const strategies: Readonly<Record<StrategyName, HistoryStrategy>> = {
  full: fullStrategy,
  window: windowStrategy,
  summary: summaryStrategy,
  hybrid: hybridStrategy,
};

export const strategyFor = (name: StrategyName): HistoryStrategy => strategies[name];
