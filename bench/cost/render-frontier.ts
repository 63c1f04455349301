import { svgDot, svgLine, svgPage, svgText } from "../report/svg.ts";
import type { FrontierPoint } from "./measure-frontier.ts";

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 64;
const RIGHT = 24;
const TOP = 44;
const BOTTOM = 52;
const LABEL_HEIGHT = 14;

/** Dollars against recall as an SVG of its own: down and to the right is what a gateway must not do. */
export function renderFrontier(points: readonly FrontierPoint[], caption: string): string {
  const maxUsd = niceCeiling(Math.max(...points.map(({ usd }) => usd)));
  const x = (usd: number): number => LEFT + (usd / maxUsd) * (WIDTH - LEFT - RIGHT);
  const y = (recall: number): number => TOP + (1 - recall) * (HEIGHT - TOP - BOTTOM);
  const steps = [0, 0.25, 0.5, 0.75, 1];
  const rows = steps.flatMap((share) => [
    svgLine([LEFT, y(share)], [WIDTH - RIGHT, y(share)]),
    svgText([LEFT - 8, y(share) + 4], `${share * 100} %`, { anchor: "end" }),
  ]);
  const columns = steps.map((share) =>
    svgText([x(share * maxUsd), HEIGHT - BOTTOM + 18], `$${(share * maxUsd).toFixed(2)}`),
  );
  const marks = points.map(({ name, usd, recall }) => {
    const isOurs = !name.startsWith("sliding") && name !== "full replay";
    return svgDot([x(usd), y(recall)], isOurs ? "#1a7f5a" : "#8a8f98", 5);
  });
  return svgPage({ width: WIDTH, height: HEIGHT, title: caption }, [
    svgText([LEFT, 20], "Evidence found in the prompt, by what a conversation costs", { anchor: "start", size: 14 }),
    ...rows,
    ...columns,
    svgText([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12], "input and summaries, USD a conversation (gpt-5 prices)"),
    ...marks,
    ...placeLabels(points.map(({ name, usd, recall }) => ({ name, x: x(usd), y: y(recall) }))),
  ]);
}

interface Label {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** On the side where no other point is, and moved down where another label stands already. */
function placeLabels(labels: readonly Label[]): string[] {
  const placed: (Label & { readonly isLeft: boolean })[] = [];
  return labels.map(({ name, x, y }) => {
    const hasNeighbour = labels.some(
      (other) => other.x > x && other.x - x < 70 && Math.abs(other.y - y) < LABEL_HEIGHT,
    );
    const isLeft = x > WIDTH * 0.75 || hasNeighbour;
    let at = y + 4;
    const collides = (): boolean =>
      placed.some(
        (other) => other.isLeft === isLeft && Math.abs(other.x - x) < 90 && Math.abs(other.y - at) < LABEL_HEIGHT,
      );
    while (collides()) at += LABEL_HEIGHT;
    placed.push({ name, x, y: at, isLeft });
    return svgText([isLeft ? x - 10 : x + 10, at], name, { anchor: isLeft ? "end" : "start" });
  });
}

function niceCeiling(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / step) * step;
}
