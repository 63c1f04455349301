/** Charts drawn by hand: numbers and words placed in a viewBox, nothing that a viewer must load. */

export interface Page {
  readonly width: number;
  readonly height: number;
  /** For those who cannot see it. */
  readonly title: string;
}

export interface TextStyle {
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: string;
  readonly size?: number;
}

const GRID_COLOR = "#d0d7de";
const INK = "#24292f";

export function svgPage({ width, height, title }: Page, elements: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...elements,
    "</svg>",
    "",
  ].join("\n");
}

type Place = readonly [x: number, y: number];

export function svgText([x, y]: Place, value: string, { anchor = "middle", fill = INK, size }: TextStyle = {}): string {
  const fontSize = size === undefined ? "" : ` font-size="${size}"`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${fontSize} fill="${fill}">${escape(value)}</text>`;
}

export const svgLine = ([x1, y1]: Place, [x2, y2]: Place, stroke = GRID_COLOR): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}"/>`;

export const svgCurve = (places: readonly Place[], stroke: string): string =>
  `<polyline fill="none" stroke="${stroke}" stroke-width="2" points="${places.map(([x, y]) => `${round(x)},${round(y)}`).join(" ")}"/>`;

export const svgDot = ([x, y]: Place, fill: string, radius: number): string =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${fill}"/>`;

export const svgRectangle = ([x, y]: Place, [width, height]: Place, fill: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;

const round = (value: number): string => value.toFixed(1);
const escape = (value: string): string => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
