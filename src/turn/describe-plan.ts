import {
  CLOSING_TOKENS,
  type HistoryMessage,
  type HistoryView,
  type Selection,
  type StrategyName,
} from "../history/history-strategy.ts";
import { countPlaceholders } from "../history/placeholders.ts";
import { sumTokens } from "../history/prompt-size.ts";
import { appendTail } from "../history/tail-note.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import type { Reconciled } from "../session/reconcile.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import { repeatedTokens, stableFront } from "./cache-calibration.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { TurnInput, TurnPlan } from "./plan-turn.ts";
import type { FreshMessage } from "./read-conversation.ts";
import type { Recall } from "./recall-turn.ts";

/** What was decided about one request. */
export interface PlanParts {
  readonly input: TurnInput;
  readonly view: HistoryView;
  readonly selection: Selection;
  readonly reconciled: Reconciled;
  readonly held: OpenedSession | undefined;
  readonly kept: readonly ActiveTurn[];
  readonly repeated: readonly StoredMessage[];
  readonly fresh: readonly FreshMessage[];
  readonly recall: Recall | undefined;
  readonly strategy: StrategyName;
}

/** Puts the context together, and says what it amounts to. */
export function describePlan(parts: PlanParts): TurnPlan {
  const { input, view, selection, reconciled, held, kept, repeated, fresh, recall, strategy } = parts;
  const { keepTurns, previousChoice, mode, habits } = reconciled;
  const { context, redactions } = contextOf(parts);
  const frontTokens = input.envelopeTokens + sumTokens(view.system);
  const keptTokens = (held?.front.tokens ?? 0) + storedTokens(view);
  const stable = stableFront(selection, frontTokens);
  const fullTokens = frontTokens + keptTokens + sumTokens(view.incoming) + CLOSING_TOKENS;
  return {
    mode,
    strategy,
    session: held,
    keepTurns,
    rewindTo: keepTurns < (held?.head.turns ?? 0) ? (kept.at(-1)?.record.id ?? "") : undefined,
    previousChoice,
    repeated,
    fresh,
    habits,
    selection,
    recall,
    kept,
    parentEpoch: view.epoch.number,
    carried: selection.cut ? 0 : Math.max(0, selection.epoch.ledger - view.epoch.ledger),
    context,
    changed: !isAsSent(context, input),
    redactions,
    sentTokens: input.envelopeTokens + sumTokens(context) + CLOSING_TOKENS,
    fullTokens,
    originalTokens: mode === "delta" ? deltaTokens(parts) : fullTokens - skippedTokens(parts),
    frontTokens,
    stable,
    repeatedTokens: repeatedTokens(held?.head.billing, stable, frontTokens),
    keptTokens,
  };
}

function contextOf(parts: PlanParts): Pick<TurnPlan, "context" | "redactions"> {
  const { view, selection, recall } = parts;
  const context = [...view.system, ...selection.history, ...selection.incoming];
  let redactions = recall?.text ? countPlaceholders(recall.text) : 0;
  for (const message of context) redactions += message.redactions;
  const newest = selection.incoming.at(-1);
  // Only behind the user's message may notes go: nothing may stand between a call and its result.
  if (newest?.role === "user") context[context.length - 1] = withNotes(newest, parts, redactions);
  return { context, redactions };
}

function withNotes(newest: HistoryMessage, { view, recall }: PlanParts, redactions: number): HistoryMessage {
  const told = recall?.text ? appendTail(newest, recall.text, view.countText) : newest;
  return redactions > 0 ? appendTail(told, view.note, view.countText) : told;
}

function isAsSent(context: readonly HistoryMessage[], { system, incoming }: TurnInput): boolean {
  if (context.length !== system.length + incoming.length) return false;
  return context.every(({ bytes }, index) => bytes === (system[index] ?? incoming[index - system.length])?.bytes);
}

function storedTokens({ turns }: HistoryView): number {
  let tokens = 0;
  for (const { stored } of turns) tokens += sumTokens(stored);
  return tokens;
}

const deltaTokens = ({ input, fresh }: PlanParts): number =>
  fresh.reduce((sum, { sent }) => sum + sent.tokens, input.envelopeTokens + sumTokens(input.system) + CLOSING_TOKENS);

/** Tokens of the kept transcript before what a client replays of it: some send only their own window. */
function skippedTokens({ held, view, reconciled: { replaysFrom = 0 } }: PlanParts): number {
  if (replaysFrom === 0) return 0;
  const front = held?.front;
  const stored = view.turns.flatMap((turn) => turn.stored);
  const before = Math.max(0, replaysFrom - (front?.messages ?? 0));
  return (front?.tokens ?? 0) + sumTokens(stored.slice(0, before));
}
