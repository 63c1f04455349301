import type { Samples } from "../rig/samples.ts";
import { median } from "../rig/statistics.ts";
import type { TargetName } from "../targets/target.ts";
import { type FrontierPoint, frontierPoints, p99BoundsMs } from "./frontier.ts";
import { headings } from "./render-table.ts";
import { svgCurve, svgDot, svgLine, svgPage, svgRectangle, svgText } from "./svg.ts";

const WIDTH = 760;
const TOP = 44;
const BOTTOM = 48;

const colors: Readonly<Record<TargetName, string>> = {
  direct: "#24292f",
  haproxy: "#6e7781",
  "bare proxy": "#a5a9ae",
  Portkey: "#cf222e",
  stateless: "#0969da",
  memory: "#8250df",
  SQLite: "#1a7f5a",
  Redis: "#bf5700",
  PostgreSQL: "#0598bc",
  DynamoDB: "#9a6700",
  "SQLite hybrid": "#4ac26b",
};

/** SVG by file name; a chart without a figure is left out. */
export function renderCharts(samples: Samples, targets: readonly TargetName[]): ReadonlyMap<string, string> {
  const bars = targets
    .map((target) => ({ target, cpuUs: median(samples.of(target, "cpuPerRequestUs")) }))
    .filter(({ cpuUs }) => !Number.isNaN(cpuUs));
  const curves = targets
    .map((target) => ({ target, points: frontierPoints(samples, target) }))
    .filter(({ points }) => points.length > 0);
  return new Map([
    ...(bars.length > 0 ? [["throughput.svg", renderThroughput(bars)] as const] : []),
    ...(curves.length > 0 ? [["frontier.svg", renderFrontier(curves)] as const] : []),
  ]);
}

interface Bar {
  readonly target: TargetName;
  readonly cpuUs: number;
}

const BAR_HEIGHT = 18;
const BAR_STEP = 28;
const NAMES_WIDTH = 170;
const VALUES_WIDTH = 60;

/** By CPU time, not requests per second: a fast proxy's rate is bounded by what sends the load, its CPU time is not. */
function renderThroughput(bars: readonly Bar[]): string {
  const title = "CPU µs of the gateway's process per request, 16 clients (less is better)";
  const most = Math.max(...bars.map(({ cpuUs }) => cpuUs));
  const rows = bars.flatMap(({ target, cpuUs }, index) => {
    const y = TOP + index * BAR_STEP;
    const width = (cpuUs / most) * (WIDTH - NAMES_WIDTH - VALUES_WIDTH);
    return [
      svgText([NAMES_WIDTH - 8, y + 13], headings[target], { anchor: "end" }),
      svgRectangle([NAMES_WIDTH, y], [width, BAR_HEIGHT], colors[target]),
      svgText([NAMES_WIDTH + width + 6, y + 13], Math.round(cpuUs).toLocaleString("en-US"), { anchor: "start" }),
    ];
  });
  return svgPage({ width: WIDTH, height: TOP + bars.length * BAR_STEP + 8, title }, [
    svgText([16, 24], title, { anchor: "start", size: 14 }),
    ...rows,
  ]);
}

interface Curve {
  readonly target: TargetName;
  readonly points: readonly FrontierPoint[];
}

const HEIGHT = 440;
const LEFT = 72;
const RIGHT = 180;

/** On logarithmic axes, since targets are tens of times apart. To the right and down is better. */
function renderFrontier(curves: readonly Curve[]): string {
  const title = "p99 latency against requests per second, 1 to 64 clients";
  const all = curves.flatMap(({ points }) => points);
  const x = scale(
    all.map(({ requestsPerSecond }) => requestsPerSecond),
    [LEFT, WIDTH - RIGHT],
  );
  const y = scale([...p99BoundsMs, ...all.map(({ p99Ms }) => p99Ms)], [HEIGHT - BOTTOM, TOP]);
  const columns = x.powers.flatMap((rate) => [
    svgLine([x.place(rate), TOP], [x.place(rate), HEIGHT - BOTTOM]),
    svgText([x.place(rate), HEIGHT - BOTTOM + 18], rate.toLocaleString("en-US")),
  ]);
  const rows = [...new Set([...y.powers, ...p99BoundsMs])].flatMap((ms) => [
    svgLine([LEFT, y.place(ms)], [WIDTH - RIGHT, y.place(ms)]),
    svgText([LEFT - 8, y.place(ms) + 4], `${ms.toLocaleString("en-US")} ms`, { anchor: "end" }),
  ]);
  const lines = curves.flatMap(({ target, points }, index) => {
    const places = points.map(({ requestsPerSecond, p99Ms }) => [x.place(requestsPerSecond), y.place(p99Ms)] as const);
    return [
      svgCurve(places, colors[target]),
      ...places.map((place) => svgDot(place, colors[target], 3)),
      svgText([WIDTH - RIGHT + 16, TOP + 12 + index * 18], headings[target], { anchor: "start", fill: colors[target] }),
    ];
  });
  return svgPage({ width: WIDTH, height: HEIGHT, title }, [
    svgText([16, 24], title, { anchor: "start", size: 14 }),
    ...columns,
    ...rows,
    svgText([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10], "requests per second"),
    ...lines,
  ]);
}

interface Scale {
  readonly powers: readonly number[];
  readonly place: (value: number) => number;
}

/** From the power of ten below the least value to the one above the most. */
function scale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const least = Math.floor(Math.log10(Math.min(...values)));
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    powers: Array.from({ length: most - least + 1 }, (_, index) => Number(`1e${least + index}`)),
    place: (value) => from + ((Math.log10(value) - least) / (most - least)) * (to - from),
  };
}
