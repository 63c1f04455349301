import { svgCurve, svgLine, svgPage, svgText } from "../report/svg.ts";
import { type GrowthCurve, type GrowthPoint } from "./growth-point.ts";

const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 64;
const RIGHT = 110;
const TOP = 44;
const BOTTOM = 48;
const COLORS = ["#1a7f5a", "#0969da", "#8250df", "#bf5700", "#8a8f98"];

export function renderGrowthTable({ title, sizeLabel, firstLabel, points }: GrowthCurve): string {
  const rows = points.map(({ store, size, p50Ms, cpuUs, firstMs }) =>
    row([store, size.toLocaleString("en-US"), p50Ms.toFixed(2), cpuUs.toFixed(0), firstMs.toFixed(1)]),
  );
  const head = ["store", sizeLabel, "hot turn p50, ms", "CPU µs per hot turn", firstLabel];
  return [`**${title}**\n`, row(head), row(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows].join("\n");
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** CPU per hot turn against size, which grows by powers of ten. */
export function renderGrowthChart({ title, sizeLabel, points }: GrowthCurve): string {
  const sizes = points.map(({ size }) => Math.log10(size));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const top = Math.ceil(Math.max(...points.map(({ cpuUs }) => cpuUs)) / 200) * 200;
  const x = (size: number): number =>
    LEFT + ((Math.log10(size) - least) / (most - least || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (cpuUs: number): number => TOP + (1 - cpuUs / top) * (HEIGHT - TOP - BOTTOM);
  const stores = [...new Set(points.map(({ store }) => store))];
  const lines = stores.flatMap((store, index) => {
    const own = points.filter((point) => point.store === store);
    return curve(own, { x, y, color: COLORS[index % COLORS.length] ?? "#000" });
  });
  const marks = [...new Set(points.map(({ size }) => size))].map((size) =>
    svgText([x(size), HEIGHT - BOTTOM + 18], size.toLocaleString("en-US")),
  );
  const grid = [0, 0.5, 1].flatMap((share) => [
    svgLine([LEFT, y(share * top)], [WIDTH - RIGHT, y(share * top)]),
    svgText([LEFT - 8, y(share * top) + 4], `${share * top}`, { anchor: "end" }),
  ]);
  return svgPage({ width: WIDTH, height: HEIGHT, title }, [
    svgText([LEFT, 22], `${title}: CPU µs per hot turn`, { anchor: "start" }),
    ...grid,
    ...marks,
    svgText([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10], sizeLabel),
    ...lines,
  ]);
}

interface Pen {
  readonly x: (size: number) => number;
  readonly y: (cpuUs: number) => number;
  readonly color: string;
}

function curve(points: readonly GrowthPoint[], { x, y, color }: Pen): string[] {
  const places = points.map(({ size, cpuUs }) => [x(size), y(cpuUs)] as const);
  const last = places.at(-1) ?? [0, 0];
  return [
    svgCurve(places, color),
    svgText([last[0] + 8, last[1] + 4], points[0]?.store ?? "", { anchor: "start", fill: color }),
  ];
}
