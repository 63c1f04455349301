import { describe, expect, it } from "vitest";

import { parseFlags } from "../../../bench/parse-flags.ts";
import { findDoubts } from "../../../bench/report/find-doubts.ts";
import { frontierPoints, mostWithin } from "../../../bench/report/frontier.ts";
import { renderCharts } from "../../../bench/report/render-charts.ts";
import { renderTable } from "../../../bench/report/render-table.ts";
import { type ClientCount, createSamples, type Samples } from "../../../bench/rig/samples.ts";
import type { TargetName } from "../../../bench/targets/target.ts";

function addRound(samples: Samples, target: TargetName, points: readonly (readonly [ClientCount, number, number])[]) {
  for (const [clients, requestsPerSecond, p99Ms] of points) {
    samples.add(target, `throughputAt${clients}`, requestsPerSecond);
    samples.add(target, `p99MsAt${clients}`, p99Ms);
  }
}

function measured(): Samples {
  const samples = createSamples();
  addRound(samples, "direct", [[1, 20_000, 0.2]]);
  addRound(samples, "SQLite", [
    [1, 900, 1.2],
    [4, 2_000, 3],
    [16, 1_900, 4.5],
    [64, 2_500, 40],
  ]);
  return samples;
}

describe("the frontier", () => {
  it("is made of medians over rounds, fewest clients first, without loads that were not measured", () => {
    const samples = createSamples();
    for (const [rate, p99] of [
      [100, 9],
      [300, 1],
      [200, 2],
    ] as const)
      addRound(samples, "SQLite", [
        [4, rate * 2, p99 * 2],
        [1, rate, p99],
      ]);
    expect(frontierPoints(samples, "SQLite")).toEqual([
      { clients: 1, requestsPerSecond: 200, p99Ms: 2 },
      { clients: 4, requestsPerSecond: 400, p99Ms: 4 },
    ]);
  });

  it("tells the highest rate whose p99 is within the bound, which need not be that of the most clients", () => {
    const points = frontierPoints(measured(), "SQLite");
    expect([3, 5, 10, 50].map((bound) => mostWithin(points, bound))).toEqual([2_000, 2_000, 2_000, 2_500]);
  });

  it("tells 0 where no load is answered in time, and nothing where none was measured", () => {
    expect(mostWithin(frontierPoints(measured(), "SQLite"), 1)).toBe(0);
    expect(mostWithin(frontierPoints(measured(), "Redis"), 1)).toBeUndefined();
  });

  it("is three rows of the table", () => {
    const rows = renderTable(measured(), ["direct", "SQLite", "Redis"]).split("\n");
    expect(rows.filter((row) => row.includes("p99 ≤"))).toEqual([
      "| requests/s at p99 ≤ 1 ms, up to 64 clients | 20,000 | 0 |  |  |",
      "| requests/s at p99 ≤ 5 ms, up to 64 clients | 20,000 | 2,000 |  |  |",
      "| requests/s at p99 ≤ 10 ms, up to 64 clients | 20,000 | 2,000 |  |  |",
    ]);
  });

  it("is doubted where the load generator may have been the limit", () => {
    const samples = measured();
    expect(findDoubts(samples, ["direct", "SQLite"])).toEqual([]);
    addRound(samples, "haproxy", [[8, 15_000, 1]]);
    expect(findDoubts(samples, ["direct", "haproxy", "SQLite"])).toEqual([
      expect.stringMatching(/^haproxy: close to what the load generator can do/),
    ]);
  });
});

describe("the charts of bench:overhead", () => {
  it("are made of what was measured only", () => {
    expect([...renderCharts(createSamples(), ["direct", "SQLite"]).keys()]).toEqual([]);
    expect([...renderCharts(measured(), ["direct", "SQLite"]).keys()]).toEqual(["frontier.svg"]);
  });

  it("draw a bar as long as the CPU time of a request", () => {
    const samples = createSamples();
    samples.add("haproxy", "cpuPerRequestUs", 100);
    samples.add("SQLite", "cpuPerRequestUs", 400);
    const chart = renderCharts(samples, ["direct", "haproxy", "SQLite"]).get("throughput.svg") ?? "";
    const [short = 0, long = 0, ...others] = [...chart.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"/g)].map(
      ([, width]) => Number(width),
    );
    expect(long / short).toBeCloseTo(4);
    expect(others).toEqual([]);
    expect(chart).toContain(">stateful, SQLite<");
  });

  it("draw a line per target, with later answers higher and higher rates further right", () => {
    const chart = renderCharts(measured(), ["direct", "SQLite", "Redis"]).get("frontier.svg") ?? "";
    const lines = [...chart.matchAll(/<polyline [^>]*points="([^"]*)"/g)].map(([, points = ""]) =>
      points.split(" ").map((point) => point.split(",").map(Number) as [number, number]),
    );
    expect(lines.map((line) => line.length)).toEqual([1, 4]);
    const [[direct], [one, four, sixteen, most]] = lines as [[[number, number]], [number, number][]];
    expect([one, sixteen, four, most, direct].map((place) => place?.[0])).toEqual(
      [one, sixteen, four, most, direct].map((place) => place?.[0]).toSorted((a = 0, b = 0) => a - b),
    );
    expect([most, sixteen, four, one, direct].map((place) => place?.[1])).toEqual(
      [most, sixteen, four, one, direct].map((place) => place?.[1]).toSorted((a = 0, b = 0) => a - b),
    );
    expect(chart).toContain(">5 ms<");
    expect(chart).not.toContain("NaN");
  });

  it("are written where --charts says, and nowhere by default", () => {
    expect(parseFlags(["--charts", "docs/charts"]).charts).toBe("docs/charts");
    expect(parseFlags([]).charts).toBeUndefined();
  });
});
