import type { TurnReport } from "./turn-meter.ts";

const MAX_NAME = 32;

/** One line per turn for the operator's own terminal: `my-chat #7 replay: sent 412 of 3,180 tokens, saved $0.0031 …`. */
export function turnLine(report: TurnReport): string {
  const { sessionId, turn, mode, sentTokens, baselineTokens, savedUsd, totalSavedUsd, overheadMs, hint } = report;
  const would = report.observed ? "would have " : "";
  const name = sessionId.length > MAX_NAME ? `${sessionId.slice(0, MAX_NAME - 1)}…` : sessionId;
  const total = totalSavedUsd === undefined ? "" : ` (total ${money(totalSavedUsd)})`;
  const saved = savedUsd === undefined ? "model without a price" : `${would}saved ${money(savedUsd)}${total}`;
  const reason = hint ? `, ${hint}` : "";
  return `${name} #${turn} ${mode}: ${would}sent ${count(sentTokens)} of ${count(baselineTokens)} tokens, ${saved}${reason}, +${overheadMs.toFixed(1)} ms`;
}

const count = (tokens: number): string => tokens.toLocaleString("en-US");

function money(usd: number): string {
  const digits = Math.abs(usd) >= 1 ? 2 : 4;
  return `${usd < 0 ? "-" : ""}$${Math.abs(usd).toFixed(digits)}`;
}
