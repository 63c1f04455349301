import type { StrategyEstimate } from "./estimate-strategies.ts";
import type { EstimateResult } from "./estimate.ts";

const columns = ["strategy", "prompt tokens", "cached", "input", "own calls", "saved", "compactions"] as const;

/** Savings are signed, after the gateway's own calls, against a full replay under the same prompt cache. */
export function estimateTable(result: EstimateResult): string {
  const { estimates, conversations, model, price, exact } = result;
  const turns = estimates[0]?.turns ?? 0;
  const cells = [columns, ...estimates.map((estimate) => cellsOf(estimate, price !== undefined))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  const title = `${counted(conversations.length, "conversation")}, ${counted(turns, "turn")}, ${model}`;
  const notes = [...assumptionsOf(result), ...(exact ? [] : ["Token counts are estimates: no vocabulary was loaded."])];
  return `${title}\n\n${lines.map((line) => `  ${line.join("  ")}\n`).join("")}\n${notes.map((note) => `  ${note}\n`).join("")}`;
}

function cellsOf(estimate: StrategyEstimate, priced: boolean): readonly string[] {
  const { sent, overhead, compactions } = estimate;
  return [
    nameOf(estimate),
    count(sent.tokens),
    percent(sent.cachedTokens, sent.tokens),
    priced ? money(sent.usd) : "no price",
    priced ? money(overhead.usd) : `${count(overhead.tokens)} tokens`,
    savedOf(estimate, priced),
    String(compactions),
  ];
}

const writers = { model: ", summaries by a model", extractive: ", extractive summaries", none: "" } as const;
const nameOf = ({ strategy, summaries }: StrategyEstimate): string => strategy + writers[summaries];

const savedTokens = ({ baseline, sent, overhead }: StrategyEstimate): number =>
  baseline.tokens - sent.tokens - overhead.tokens;
const savedUsd = ({ baseline, sent, overhead }: StrategyEstimate): number => baseline.usd - sent.usd - overhead.usd;

function savedOf(estimate: StrategyEstimate, priced: boolean): string {
  const { baseline } = estimate;
  if (!priced) return `${count(savedTokens(estimate))} tokens (${percent(savedTokens(estimate), baseline.tokens)})`;
  return `${money(savedUsd(estimate))} (${percent(savedUsd(estimate), baseline.usd)})`;
}

function assumptionsOf(result: EstimateResult): string[] {
  const { estimates, price, pace, promptCache, summaryModel, knobs } = result;
  const { ttlSeconds, minimumTokens } = promptCache;
  const [first] = estimates;
  return [
    ...(first && price
      ? [`A full replay costs ${money(first.baseline.usd)}; saved is against it, under the same prompt cache.`]
      : []),
    `Requests are ${pace.gapSeconds} s apart where the file states no time (--gap-seconds).`,
    `The prompt cache forgets after ${ttlSeconds} s and holds prompts of ${count(minimumTokens)} tokens or more.`,
    ...coldCosts(result),
    `Prompts are capped at ${count(knobs.maxTokens)} tokens. Output is not counted: it is the same whatever is sent.`,
    `Summaries by a model are billed as ${summaryModel}'s, each as long as an extract of the same turns.`,
  ];
}

function coldCosts({ cold, price }: EstimateResult): string[] {
  const [first] = cold;
  if (!first || !price) return [];
  const costs = cold
    .filter(({ strategy }) => strategy !== "full")
    .map((estimate) => `${nameOf(estimate)} ${money(estimate.sent.usd + estimate.overhead.usd)}`);
  return [`Were the cache cold at every turn: ${[`full replay ${money(first.baseline.usd)}`, ...costs].join("; ")}.`];
}

/** The same for programs. */
export function estimateDocument({ conversations, model, price, pace, promptCache, estimates, cold }: EstimateResult) {
  return {
    model,
    priced: price !== undefined,
    conversations: conversations.length,
    turns: estimates[0]?.turns ?? 0,
    gap_seconds: pace.gapSeconds,
    prompt_cache: {
      ttl_seconds: promptCache.ttlSeconds,
      minimum_tokens: promptCache.minimumTokens,
      step_tokens: promptCache.stepTokens,
    },
    strategies: estimates.map((estimate) => showEstimate(estimate, price !== undefined)),
    cold_cache: cold.map((estimate) => showEstimate(estimate, price !== undefined)),
  };
}

function showEstimate(estimate: StrategyEstimate, priced: boolean) {
  const { strategy, summaries, turns, compactions, sent, baseline, overhead } = estimate;
  const usd = (amount: number): number | null => (priced ? amount : null);
  return {
    strategy,
    summaries,
    turns,
    compactions,
    prompt_tokens: sent.tokens,
    cached_tokens: sent.cachedTokens,
    input_usd: usd(sent.usd),
    overhead_tokens: overhead.tokens,
    overhead_usd: usd(overhead.usd),
    full_replay_tokens: baseline.tokens,
    full_replay_cached_tokens: baseline.cachedTokens,
    full_replay_usd: usd(baseline.usd),
    saved_tokens: savedTokens(estimate),
    saved_usd: usd(savedUsd(estimate)),
  };
}

const count = (tokens: number): string => tokens.toLocaleString("en-US");
const counted = (many: number, what: string): string => `${count(many)} ${what}${many === 1 ? "" : "s"}`;
const percent = (part: number, whole: number): string => `${whole === 0 ? 0 : Math.round((100 * part) / whole)} %`;
const money = (usd: number): string => `${usd < 0 ? "-" : ""}$${Math.abs(usd).toFixed(Math.abs(usd) >= 100 ? 2 : 4)}`;
