import { expect, it } from "vitest";

import { joinMetrics } from "../../../src/process/join-metrics.ts";

const textOf = (count: number): string =>
  [
    "# HELP turns_total turns",
    "# TYPE turns_total counter",
    `turns_total{mode="new"} ${count}`,
    "# HELP depth depth",
    "# TYPE depth gauge",
    `depth ${count}`,
    `empty{} ${count}`,
    "",
  ].join("\n");

it("series of several workers stand together by metric, each under its worker's number", () => {
  const joined = joinMetrics(
    new Map([
      [1, textOf(7)],
      [2, textOf(9)],
    ]),
  );
  expect(joined.split("\n")).toEqual([
    "# HELP turns_total turns",
    "# TYPE turns_total counter",
    'turns_total{worker="1",mode="new"} 7',
    'turns_total{worker="2",mode="new"} 9',
    "# HELP depth depth",
    "# TYPE depth gauge",
    'depth{worker="1"} 7',
    'empty{worker="1"} 7',
    'depth{worker="2"} 9',
    'empty{worker="2"} 9',
    "",
  ]);
});

it("a comment that workers word differently is kept as it is, and a lone worker's text only gets its label", () => {
  expect(joinMetrics(new Map([[3, 'a_total{x="{"} 1\n']]))).toBe('a_total{worker="3",x="{"} 1\n');
});
