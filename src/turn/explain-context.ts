import { agedView } from "../history/aging.ts";
import { type CutForecast, forecastCut } from "../history/forecast-cut.ts";
import type { HistoryKnobs, HistoryMessage, HistoryView } from "../history/history-strategy.ts";
import { CLOSING_TOKENS, type Selection, type StrategyName, type Summary } from "../history/history-strategy.ts";
import { sumTokens } from "../history/prompt-size.ts";
import { strategyFor } from "../history/strategy-registry.ts";
import { createSummaryShelf } from "../history/summary-shelf.ts";
import { placeholderNote, restorableNote } from "../history/tail-note.ts";
import type { SessionHead } from "../session/session-head.ts";
import type { TurnRecord } from "../session/turn-record.ts";
import type { ModelPrice } from "../tokens/price-list.ts";
import { calibrate, hitRateOf } from "./cache-calibration.ts";
import { cappedKnobs, economicsOf } from "./economics.ts";
import { heldTurns } from "./held-turns.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { SessionCache } from "./session-cache.ts";
import type { TurnPorts } from "./turn-ports.ts";

export interface SegmentMessage {
  readonly role: string;
  readonly tokens: number;
  readonly placeholders: number;
  /** Tokens that its full form would take, where it is sent as a note. */
  readonly agedFrom: number | undefined;
}

/** A piece of a prompt, in the order of sending. */
export interface Segment {
  readonly kind: "system" | "summary" | "turn" | "note";
  /** The active turns `[from, to)` it holds or stands for; `undefined` for what belongs to none. */
  readonly turns: { readonly from: number; readonly to: number } | undefined;
  readonly by?: Summary["by"];
  readonly messages: readonly SegmentMessage[];
}

/** What a request that adds nothing would send. */
export interface NextContext {
  readonly segments: readonly Segment[];
  readonly cut: Selection["cut"];
  /** Where the verbatim turns begin; the ones before it are left out. */
  readonly firstTurn: number;
  readonly droppedTokens: number;
  readonly epoch: Selection["epoch"];
  /** Of the system messages as they are stored, tools and response format. */
  readonly envelopeTokens: number;
  readonly tokens: number;
  /** `undefined` for a strategy that only the cap cuts. */
  readonly forecast: CutForecast | undefined;
}

/** What a session sends and why, in numbers and names: no text of anybody. */
export interface ContextReport {
  readonly head: SessionHead;
  readonly strategy: StrategyName;
  readonly knobs: HistoryKnobs;
  readonly price: ModelPrice | undefined;
  readonly economics: HistoryView["economics"];
  /** The newest active turn. */
  readonly lastTurn: TurnRecord | undefined;
  /** `undefined` before the first turn. */
  readonly next: NextContext | undefined;
}

/** Plans a request on a snapshot with the engine that plans real ones. Nothing is stored, nobody is asked. */
export async function explainContext(
  ports: TurnPorts,
  cache: SessionCache,
  session: OpenedSession,
): Promise<ContextReport> {
  const { head } = session;
  const strategy = head.strategy ?? ports.settings.strategy;
  const model = session.active.at(-1)?.record.model;
  const price = model === undefined ? undefined : ports.prices.priceOf(model);
  const knobs = cappedKnobs(ports.settings.knobs, { price, fields: {} });
  const listed = economicsOf(price, ports.settings.promptCache.ttlSeconds);
  const economics = calibrate(listed, hitRateOf(head.billing, model ?? ""));
  const report = { head, strategy, knobs, price, economics, lastTurn: session.active.at(-1)?.record };
  if (model === undefined) return { ...report, next: undefined };
  const needed = strategyFor(strategy).firstTurnNeeded(
    heldTurns({ epoch: head.epoch, summaries: session.summaries }, { keepTurns: head.turns, head }),
    knobs,
  );
  const held = needed < session.front.turns ? await cache.loadAll(session) : session;
  const counter = ports.counters.forModel(model);
  const view: HistoryView = {
    system: held.system,
    turns: held.active,
    firstLoadedTurn: held.front.turns,
    incoming: [],
    summaries: held.summaries,
    epoch: head.epoch,
    // A front is stored as one number.
    envelopeTokens: Math.max(0, (head.billing?.frontTokens ?? 0) - sumTokens(held.system)),
    now: ports.clock(),
    lastAskedAt: head.lastAskedAt,
    economics,
    knobs,
    note: ports.settings.withholding.restores ? restorableNote : placeholderNote,
    countText: (text) => counter.countText(text),
  };
  return { ...report, next: explainNext(view, strategy, held.front.tokens) };
}

function explainNext(view: HistoryView, name: StrategyName, frontTokens: number): NextContext {
  const strategy = strategyFor(name);
  const selection = strategy.select(view);
  const { firstTurn } = selection.epoch;
  const segments = segmentsOf(view, selection);
  const dropped = view.turns.slice(0, firstTurn - view.firstLoadedTurn).flatMap(({ stored }) => stored);
  const sent = segments.flatMap(({ messages }) => messages);
  const rule = strategy.rule?.(view.knobs);
  return {
    segments,
    cut: selection.cut,
    firstTurn,
    droppedTokens: frontTokens + sumTokens(dropped),
    epoch: selection.epoch,
    envelopeTokens: view.envelopeTokens,
    tokens: view.envelopeTokens + sumTokens(sent) + CLOSING_TOKENS,
    forecast: rule && forecastCut(agedView(view, strategy), rule),
  };
}

/** Whatever else a prompt is made of gets its segment here, in the order of sending. */
function segmentsOf(view: HistoryView, selection: Selection): Segment[] {
  const front: Segment[] =
    view.system.length > 0 ? [{ kind: "system", turns: undefined, messages: view.system.map(shown) }] : [];
  const segments = [...front, ...historySegments(view, selection)];
  const withheld = segments.some(({ messages }) => messages.some(({ placeholders }) => placeholders > 0));
  return withheld ? [...segments, noteSegment(view)] : segments;
}

/** A message of no turn is the summary in front, or behind it the stand-in for a result that never came. */
function historySegments(view: HistoryView, selection: Selection): Segment[] {
  const turnOf = new Map(
    view.turns.flatMap(({ messages }, place) => messages.map((message) => [message, view.firstLoadedTurn + place])),
  );
  const segments: (Segment & { readonly messages: SegmentMessage[] })[] = [];
  for (const message of selection.history) {
    const last = segments.at(-1);
    const turn = turnOf.get(message.original ?? message) ?? last?.turns?.from;
    if (turn === undefined) segments.push({ ...summarySegment(view, selection), messages: [shown(message)] });
    else if (last?.kind === "turn" && last.turns?.from === turn) last.messages.push(shown(message));
    else segments.push({ kind: "turn", turns: { from: turn, to: turn + 1 }, messages: [shown(message)] });
  }
  return segments;
}

function summarySegment(view: HistoryView, { digest, epoch }: Selection): Pick<Segment, "kind" | "turns" | "by"> {
  const summary = digest ?? createSummaryShelf(view.summaries).shownAt(epoch.firstTurn);
  return {
    kind: "summary",
    turns: summary && { from: 0, to: summary.toTurn },
    ...(summary && { by: summary.by }),
  };
}

/** Goes to the end of the next message of a user. */
const noteSegment = (view: HistoryView): Segment => ({
  kind: "note",
  turns: undefined,
  messages: [{ role: "user", tokens: view.countText(`\n\n${view.note}`), placeholders: 0, agedFrom: undefined }],
});

const shown = ({ role, tokens, redactions, original }: HistoryMessage): SegmentMessage => ({
  role,
  tokens,
  placeholders: redactions,
  agedFrom: original?.tokens,
});
