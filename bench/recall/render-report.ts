import { cpus } from "node:os";

import { categories } from "./conversations.ts";
import { methods } from "./methods.ts";
import type { Prepared } from "./prepare.ts";
import { CONTEXT, type GateRates } from "./score-gate.ts";
import { budgets, type Scores } from "./score-methods.ts";
import type { RecallTimes } from "./time-recall.ts";

export interface RecallReport {
  readonly conversations: readonly Prepared[];
  readonly exactCounts: boolean;
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
    scoreTable("Speaker names shown", report.scores.shown),
    scoreTable("Speaker names hidden", report.scores.hidden),
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
    "stand word for word in the recalled text of at most so many tokens, frame, days and speakers included; mean over questions. " +
    "`semantic` and `hybrid` recall as stategate does, `window` holds the last remarks; `npm run bench:cost -- --data FILE " +
    "--chart FILE` shows every strategy as a whole. " +
    `Tokens ${exactCounts ? "counted (o200k_base)" : "estimated"}. The gate sees the last ${CONTEXT} remarks as context. ` +
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus()[0]?.model.trim() ?? "unknown CPU"}.`
  );
}

function scoreTable(title: string, scores: Scores): string {
  const named = [...Object.values(categories), "all"];
  const rows = Object.keys(methods).flatMap((method) =>
    named.flatMap((category) => {
      const score = scores.get(`${method} | ${category}`);
      return score ? [row([method, category, score.questions, ...score.recall.map(percent)])] : [];
    }),
  );
  return [
    `| ${title} | category | questions | ${budgets.join(" | ")} |`,
    `| --- | --- | ---: | ${budgets.map(() => "---:").join(" | ")} |`,
    ...rows,
  ].join("\n");
}
