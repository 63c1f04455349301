import { withAging } from "./aging.ts";
import { fullStrategy } from "./full-strategy.ts";
import type { HistoryStrategy, StrategyName } from "./history-strategy.ts";
import { hybridStrategy } from "./hybrid-strategy.ts";
import { semanticStrategy } from "./semantic-strategy.ts";
import { summaryStrategy } from "./summary-strategy.ts";
import { windowStrategy } from "./window-strategy.ts";

const strategies: Readonly<Record<StrategyName, HistoryStrategy>> = {
  full: withAging(fullStrategy),
  window: withAging(windowStrategy),
  summary: withAging(summaryStrategy),
  semantic: withAging(semanticStrategy),
  hybrid: withAging(hybridStrategy),
};

export const strategyFor = (name: StrategyName): HistoryStrategy => strategies[name];
