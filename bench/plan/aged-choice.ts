import type { HistoryMessage, HistoryTurn, HistoryView, StrategyName } from "../../src/history/history-strategy.ts";
import { strategyFor } from "../../src/history/strategy-registry.ts";
import { knobsOf } from "../cost/play-policies.ts";
import { percentile } from "../rig/statistics.ts";

const WARM_UP = 200;
const MEASURED = 400;
/** Of the newest turns, which keep their results. */
const WHOLE_TURNS = 10;
const RESULT = "row of figures ".repeat(40);

/** What the choice of what to send takes where an agent's long session is all in view and its old tool results have aged. */
export function timeAgedChoice(name: StrategyName, turns: number): { readonly p50Ms: number; readonly p99Ms: number } {
  const strategy = strategyFor(name);
  const view = agedView(turns);
  const times = new Float64Array(MEASURED);
  for (let round = -WARM_UP; round < MEASURED; round += 1) {
    const startedAt = performance.now();
    strategy.select(view);
    if (round >= 0) times[round] = performance.now() - startedAt;
  }
  times.sort();
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

function agedView(count: number): HistoryView {
  const floorTokens = 1e9;
  const knobs = knobsOf("extractive", floorTokens);
  return {
    system: [],
    turns: Array.from({ length: count }, (_, index) => agentsTurn(index)),
    firstLoadedTurn: 0,
    incoming: [message("user", { content: "and now?" })],
    summaries: [],
    epoch: {
      number: 1,
      firstTurn: 0,
      ledger: 0,
      summaryFailed: false,
      aged: { toolResults: count - WHOLE_TURNS, images: 0 },
    },
    envelopeTokens: 0,
    now: count,
    lastAskedAt: count - 1,
    economics: { cachedRatio: 0.1, writeRatio: 1, outputRatio: 8, cacheTtlMs: 300_000 },
    knobs: { ...knobs, aging: { enabled: true, toolResults: WHOLE_TURNS, images: 1, excludeTools: [] } },
    note: "",
    countText: (text) => Math.ceil(text.length / 4),
  };
}

function agentsTurn(index: number): HistoryTurn {
  const id = `call_${index}`;
  const call = { id, type: "function", function: { name: "look", arguments: "{}" } };
  const messages = [
    message("user", { content: `What of booking ${index}?` }),
    { ...message("assistant", { content: null, tool_calls: [call] }), toolCallIds: [id] },
    { ...message("tool", { tool_call_id: id, content: RESULT }), toolCallId: id },
    message("assistant", { content: "It is confirmed." }),
  ];
  return { messages, stored: messages };
}

const message = (role: string, more: object): HistoryMessage => ({
  role,
  bytes: Buffer.from(JSON.stringify({ role, ...more })),
  tokens: 150,
  toolCallIds: [],
  toolCallId: undefined,
  redactions: 0,
});
