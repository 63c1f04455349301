import { cpus } from "node:os";

import { categories } from "./conversations.ts";
import { methods } from "./methods.ts";
import type { Prepared } from "./prepare.ts";
import { CONTEXT, type GateRates } from "./score-gate.ts";
import { budgets } from "./score-methods.ts";
import { type Shares, shares, type StrategyScores } from "./score-strategies.ts";
import { scoreKey, type Scores } from "./tally.ts";
import type { RecallTimes } from "./time-recall.ts";

export interface RecallReport {
  readonly conversations: readonly Prepared[];
  readonly exactCounts: boolean;
  readonly strategies: { readonly shown: StrategyScores; readonly hidden: StrategyScores };
  readonly scores: { readonly shown: Scores; readonly hidden: Scores };
  readonly gate: { readonly shown: GateRates; readonly hidden: GateRates };
  readonly times: RecallTimes;
  readonly busy: string | undefined;
}

const percent = (share: number): string => (100 * share).toFixed(1);
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

/** The figures as Markdown, with everything that somebody needs who compares them with his own. */
export function renderReport(report: RecallReport): string {
  const { times, gate, busy } = report;
  return [
    conditions(report),
    strategyTable("Strategies, names shown", report.strategies.shown),
    strategyTable("Strategies, names hidden", report.strategies.hidden),
    scoreTable("What is recalled, names shown", report.scores.shown, Object.keys(methods)),
    scoreTable("What is recalled, names hidden", report.scores.hidden, Object.keys(methods)),
    [
      "| the gate opens for | names shown | names hidden |",
      "| --- | ---: | ---: |",
      row(["questions that need what is not in the context", rate(gate.shown.questions), rate(gate.hidden.questions)]),
      row(["remarks in passing", rate(gate.shown.smallTalk), rate(gate.hidden.smallTalk)]),
    ].join("\n"),
    `Recall of 2,000 tokens in a session of ${times.turns} turns (${times.remarks} remarks): p50 ${times.p50Ms.toFixed(2)} ms, ` +
      `p99 ${times.p99Ms.toFixed(2)} ms, ${times.cpuMs.toFixed(2)} ms of processor time in the mean; its index is built in ${times.buildMs.toFixed(0)} ms.` +
      (busy ? ` Beware: ${busy}.` : ""),
  ].join("\n\n");
}

const rate = ({ all, opened }: { all: number; opened: number }): string =>
  `${percent(opened / Math.max(1, all))} % of ${all}`;

function conditions({ conversations, exactCounts }: RecallReport): string {
  const remarks = conversations.reduce((sum, one) => sum + one.remarks.length, 0);
  return (
    `${conversations.length} conversations, ${remarks} remarks. Evidence recall: the share of a question's evidence remarks that ` +
    "stand word for word in what is sent of the past, in percent; mean over questions. Strategies are played over the whole " +
    "conversation and asked the day after; of their budget of tokens, " +
    `${describeShares()}. Turns are whole, so that they may take a little more. Summaries are extracts: what a model ` +
    "tells in its own words would not be found by this measure. Of what is recalled alone, frame, days and speakers count. " +
    `Tokens ${exactCounts ? "counted (o200k_base)" : "estimated"}. The gate sees the last ${CONTEXT} remarks as context. ` +
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus()[0]?.model.trim() ?? "unknown CPU"}.`
  );
}

const describeShares = (): string => Object.entries(shares).map(describeShare).join("; ");

function describeShare([name, { newest, summary, recalled }]: readonly [string, Shares]): string {
  if (name === "full") return "`full` sends everything all the same";
  const parts = Object.entries({
    "the newest turns": newest,
    "a summary of the others": summary,
    "what it recalls": recalled,
  });
  const given = parts.flatMap(([what, share]) => (share === 0 ? [] : `${100 * share} % to ${what}`));
  return `\`${name}\` gives ${given.join(", ")}`;
}

function strategyTable(title: string, { found, tokens }: StrategyScores): string {
  const names = Object.keys(shares);
  const sent = names.flatMap((name) => {
    const score = tokens.get(scoreKey(name, "all"));
    return score ? [row([name, "tokens sent", score.questions, ...score.means.map(Math.round)])] : [];
  });
  return [scoreTable(title, found, names), ...sent].join("\n");
}

function scoreTable(title: string, scores: Scores, names: readonly string[]): string {
  const rows = names.flatMap((name) =>
    [...Object.values(categories), "all"].flatMap((category) => {
      const score = scores.get(scoreKey(name, category));
      return score ? [row([name, category, score.questions, ...score.means.map(percent)])] : [];
    }),
  );
  return [
    `| ${title} | category | questions | ${budgets.join(" | ")} |`,
    `| --- | --- | ---: | ${budgets.map(() => "---:").join(" | ")} |`,
    ...rows,
  ].join("\n");
}
