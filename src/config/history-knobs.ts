import type { GatewayConfig } from "./gateway-config.ts";

/** What the history section asks of a strategy. `maxTokens` is 0 where the model's own window is the cap. */
export const historyKnobs = ({
  mode,
  window,
  hybrid,
  floorTokens,
  maxTokens,
  exact,
  summary,
  aging,
}: GatewayConfig["history"]) => ({
  windowTurns: window.turns,
  windowTokens: window.tokens ?? 0,
  keepTurns: hybrid.keepTurns,
  summaryKeepTurns: summary.keepTurns,
  floorTokens,
  maxTokens: maxTokens ?? 0,
  exact,
  // Who only observes pays for no summary: an extract stands in.
  summaryMode: mode === "observe" && summary.mode === "model" ? ("extractive" as const) : summary.mode,
  summaryTokens: summary.maxTokens,
  summaryRole: summary.role,
  aging,
});
