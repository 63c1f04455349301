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
    text([x(size), HEIGHT - BOTTOM + 18], size.toLocaleString("en-US")),
  );
  const grid = [0, 0.5, 1].flatMap((share) => [
    `<line x1="${LEFT}" y1="${y(share * top).toFixed(1)}" x2="${WIDTH - RIGHT}" y2="${y(share * top).toFixed(1)}" stroke="#d0d7de"/>`,
    text([LEFT - 8, y(share * top) + 4], `${share * top}`, "end"),
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text([LEFT, 22], `${title}: CPU µs per hot turn`, "start"),
    ...grid,
    ...marks,
    text([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10], sizeLabel),
    ...lines,
    "</svg>",
    "",
  ].join("\n");
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
    `<polyline fill="none" stroke="${color}" stroke-width="2" points="${places.map(([left, down]) => `${left.toFixed(1)},${down.toFixed(1)}`).join(" ")}"/>`,
    text([last[0] + 8, last[1] + 4], points[0]?.store ?? "", "start", color),
  ];
}

const text = ([x, y]: readonly [number, number], value: string, anchor = "middle", fill = "#24292f"): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${fill}">${value}</text>`;
