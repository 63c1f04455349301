import { messagesOf, turnsFrom } from "./atoms.ts";
import { widestCut } from "./cap.ts";
import type { HeldTurns, HistoryStrategy, HistoryView, Selection } from "./history-strategy.ts";
import { nextEpoch } from "./next-epoch.ts";
import { fixedTokens } from "./prompt-size.ts";
import { repair } from "./repair.ts";
import { epochStart, firstTurnKept } from "./start-turn.ts";
import { Timeline } from "./timeline.ts";

/** Below this share of the cap, a context that once was cut takes back what fits. */
const TAKE_BACK_BELOW = 0.5;

/** Everything, from the first turn on; only the cap may cut. */
export const fullStrategy: HistoryStrategy = {
  name: "full",
  recalls: false,
  firstTurnNeeded: (held, { maxTokens }) => (mayTakeBack(held, maxTokens) ? 0 : firstTurnKept(held, 1)),
  select: selectAll,
};

/** Turns that the cap cut away are not loaded again on every request. */
const mayTakeBack = ({ tokens, epochTokens }: HeldTurns, maxTokens: number): boolean =>
  tokens <= maxTokens || epochTokens < maxTokens * TAKE_BACK_BELOW;

function selectAll(view: HistoryView): Selection {
  const first = firstTurn(view);
  const history = messagesOf(turnsFrom(view, first));
  return {
    ...repair({ history, incoming: view.incoming }, (text) => view.countText(text)),
    epoch: nextEpoch(view.epoch, first, view.epoch.ledger),
    cut: first > view.epoch.firstTurn ? "cap" : undefined,
    digest: undefined,
    wantsSummary: undefined,
    turnsToCut: undefined,
  };
}

function firstTurn(view: HistoryView): number {
  const own = epochStart(view);
  const from = view.firstLoadedTurn;
  if (from > own) throw new TypeError(`full needs the turns from ${own} on`);
  const { maxTokens } = view.knobs;
  const otherTokens = fixedTokens(view);
  const whole = new Timeline(view, from);
  const promptFrom = (turn: number): number => otherTokens + whole.tokensFrom(turn);
  if (from === 0 && promptFrom(0) <= maxTokens) return 0;
  if (promptFrom(own) > maxTokens) {
    return widestCut({ timeline: new Timeline(view, own), from: own, maxTokens, otherTokens });
  }
  const taken = widestCut({ timeline: whole, from, maxTokens, otherTokens });
  const takesBack = promptFrom(own) < maxTokens * TAKE_BACK_BELOW && promptFrom(taken) <= maxTokens;
  return takesBack ? Math.min(own, taken) : own;
}
