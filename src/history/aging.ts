import type {
  AgedTurns,
  HistoryMessage,
  HistoryStrategy,
  HistoryTurn,
  HistoryView,
  Selection,
} from "./history-strategy.ts";
import { shortToolResult, showsImages, withoutImages } from "./short-form.ts";
import { isCold } from "./situation.ts";
import { namedResults } from "./tool-pairs.ts";

/**
 * Old tool results and images shrink to a note, but only where the front of the prompt is written anew all the same:
 * where an epoch begins, and in a cold cache. Until the next such moment the same turns travel in their short form.
 */
export const withAging = (strategy: HistoryStrategy): HistoryStrategy => ({
  ...strategy,
  select: (view) => selectAged(strategy, view),
});

/** Messages that travel in their short form, and the turns up to which that goes. */
interface Aged {
  readonly marks: AgedTurns;
  readonly forms: ReadonlyMap<HistoryMessage, HistoryMessage>;
}

const nothingAged: AgedTurns = { toolResults: 0, images: 0 };

/** A view with the newest turns that no aging touches: all of them, where a strategy promises all. */
interface AgingView extends HistoryView {
  readonly verbatimTurns: number;
}

/** A view as its strategy sees it before it decides anything. */
export function agedView(plain: HistoryView, strategy: Pick<HistoryStrategy, "rule">): HistoryView {
  const view = agingView(plain, strategy);
  return shorten(view, agedBefore(view));
}

const agingView = (view: HistoryView, { rule }: Pick<HistoryStrategy, "rule">): AgingView => ({
  ...view,
  verbatimTurns: rule?.(view.knobs).keepTurns ?? Infinity,
});

function agedBefore(view: AgingView): Aged {
  const held = stillAged(view);
  return isCold(view) ? advance(held, view) : held;
}

function selectAged(strategy: HistoryStrategy, plain: HistoryView): Selection {
  const view = agingView(plain, strategy);
  const start = agedBefore(view);
  const selection = strategy.select(shorten(view, start));
  if (selection.epoch.number === view.epoch.number) return withMarks(selection, view, start);
  const aged = advance(start, view);
  // What aging alone brings below the cap need not be cut.
  if (selection.cut === "cap" && aged !== start) return withMarks(strategy.select(shorten(view, aged)), view, aged);
  const history = selection.history.map((message) => aged.forms.get(message) ?? message);
  return withMarks(aged === start ? selection : { ...selection, history }, view, aged);
}

/** After a rewind, or under changed knobs, what is now among the newest is told in full again. */
function stillAged(view: AgingView): Aged {
  const held = view.epoch.aged ?? nothingAged;
  if (held.toolResults === 0 && held.images === 0) return { marks: held, forms: new Map() };
  const due = turnsDue(view);
  const keep = (mark: number, limit: number): number => (mark <= view.firstLoadedTurn ? mark : Math.min(mark, limit));
  const marks = { toolResults: keep(held.toolResults, due.toolResults), images: keep(held.images, due.images) };
  return { marks, forms: shortForms(view, marks) };
}

/** As far as aging may reach by now; what it was given where no other message would change. */
function advance(aged: Aged, view: AgingView): Aged {
  const due = turnsDue(view);
  const marks = {
    toolResults: Math.max(aged.marks.toolResults, due.toolResults),
    images: Math.max(aged.marks.images, due.images),
  };
  if (isSame(marks, aged.marks)) return aged;
  const forms = shortForms(view, marks);
  return forms.size === aged.forms.size ? aged : { marks, forms };
}

/** The turns behind which the newest results and images stand; never among the turns promised verbatim. */
function turnsDue(view: AgingView): AgedTurns {
  const { aging } = view.knobs;
  const limit = view.firstLoadedTurn + view.turns.length - view.verbatimTurns;
  if (!aging.enabled || limit <= view.firstLoadedTurn) return nothingAged;
  const excluded = excludedResults(view);
  const isResult = (message: HistoryMessage): boolean => message.role === "tool" && !excluded.has(message);
  return {
    toolResults: Math.min(limit, turnOfNewest(view, aging.toolResults, isResult)),
    images: Math.min(limit, turnOfNewest(view, aging.images, showsImages)),
  };
}

/** The turn that holds the `count`-th newest of such messages; where there are less, all of them are among the newest. */
function turnOfNewest(view: HistoryView, count: number, passes: (message: HistoryMessage) => boolean): number {
  let left = count;
  for (const { index, messages } of view.turns.toReversed()) {
    if (left <= 0) return index + 1;
    left -= messages.filter(passes).length;
    if (left <= 0) return index;
  }
  return view.firstLoadedTurn;
}

function shortForms(view: HistoryView, marks: AgedTurns): Map<HistoryMessage, HistoryMessage> {
  const countText = (text: string): number => view.countText(text);
  const excluded = excludedResults(view);
  const forms = new Map<HistoryMessage, HistoryMessage>();
  for (const { index, messages } of view.turns) {
    for (const message of messages) {
      const result = index < marks.toolResults && !excluded.has(message) && shortToolResult(message, countText);
      const form = result || (index < marks.images && withoutImages(message, countText));
      if (form) forms.set(message, form);
    }
  }
  return forms;
}

function excludedResults({ knobs, turns, incoming }: HistoryView): ReadonlySet<HistoryMessage> {
  const { excludeTools } = knobs.aging;
  if (excludeTools.length === 0) return new Set();
  return namedResults([...turns.flatMap(({ messages }) => messages), ...incoming], new Set(excludeTools));
}

function shorten(view: HistoryView, { forms }: Aged): HistoryView {
  if (forms.size === 0) return view;
  const inShort = (turn: HistoryTurn): HistoryTurn => ({
    ...turn,
    messages: turn.messages.map((message) => forms.get(message) ?? message),
  });
  return { ...view, turns: view.turns.map(inShort) };
}

const isSame = (left: AgedTurns, right: AgedTurns): boolean =>
  left.toolResults === right.toolResults && left.images === right.images;

/** A front that changed begins an epoch, whether turns were cut or not. */
function withMarks(selection: Selection, view: HistoryView, { marks }: Aged): Selection {
  const held = view.epoch.aged ?? nothingAged;
  const goesOn = isSame(marks, held);
  if (goesOn && !view.epoch.aged) return selection;
  const { epoch } = selection;
  const number = goesOn || epoch.number !== view.epoch.number ? epoch.number : epoch.number + 1;
  return { ...selection, epoch: { ...epoch, number, aged: marks } };
}
