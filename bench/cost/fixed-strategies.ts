import type { HistoryStrategy, HistoryView, Selection } from "../../src/history/history-strategy.ts";
import { nextEpoch } from "../../src/history/next-epoch.ts";
import { sumTokens } from "../../src/history/prompt-size.ts";

type FirstTurn = (view: HistoryView) => number;

/** A strategy that sends the turns from some turn on, and asks for nothing else. */
function strategyFrom(firstTurn: FirstTurn): HistoryStrategy {
  return {
    name: "window",
    recalls: false,
    firstTurnNeeded: () => 0,
    select: (view): Selection => {
      const first = firstTurn(view);
      return {
        history: view.turns.slice(first).flatMap(({ messages }) => messages),
        incoming: view.incoming,
        epoch: nextEpoch(view.epoch, first, 0),
        cut: first === view.epoch.firstTurn ? undefined : "ledger",
        digest: undefined,
        wantsSummary: undefined,
        turnsToCut: undefined,
      };
    },
  };
}

/** The last turn from which on `tokens` are left, but none before `from`. */
export function floorTurn(turnTokens: readonly number[], from: number, tokens: number): number {
  let first = turnTokens.length;
  let left = 0;
  while (first > from && left < tokens) {
    first -= 1;
    left += turnTokens[first] ?? 0;
  }
  return first;
}

const tokensOf = ({ turns }: HistoryView): number[] => turns.map(({ messages }) => sumTokens(messages));
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** The least that holds the floor, on every request. */
export const slidingWindow = (floorTokens: number): HistoryStrategy =>
  strategyFrom((view) => floorTurn(tokensOf(view), view.epoch.firstTurn, floorTokens));

/** Down to the floor whenever the history has grown to `high`. */
export const watermarks = (high: number, floorTokens: number): HistoryStrategy =>
  strategyFrom((view) => {
    const { firstTurn } = view.epoch;
    const tokens = tokensOf(view);
    return sum(tokens.slice(firstTurn)) < high ? firstTurn : floorTurn(tokens, firstTurn, floorTokens);
  });

/** Down to the floor on exactly these requests. */
export const schedule = (cuts: ReadonlySet<number>, floorTokens: number): HistoryStrategy =>
  strategyFrom((view) =>
    cuts.has(view.turns.length) ? floorTurn(tokensOf(view), view.epoch.firstTurn, floorTokens) : view.epoch.firstTurn,
  );
