import { messagesOf } from "./atoms.ts";
import type {
  AgedTurns,
  HistoryMessage,
  HistoryStrategy,
  HistoryTurn,
  HistoryView,
  Selection,
} from "./history-strategy.ts";
import { resultNoteTokens, shortToolResult, showsImages, withoutImages } from "./short-form.ts";
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

/** Turns with messages in their short form, how many these are, and the turns up to which that goes. */
interface Aged {
  readonly marks: AgedTurns;
  readonly turns: readonly HistoryTurn[];
  readonly shortened: number;
}

const nothingAged: AgedTurns = { toolResults: 0, images: 0 };

/** A view with the newest turns that no aging touches: all of them, where a strategy promises all. */
interface AgingView extends HistoryView {
  readonly verbatimTurns: number;
  /** Results that are sent in full whatever their age. */
  excluded(): ReadonlySet<HistoryMessage>;
}

/** A view as its strategy sees it before it decides anything. */
export function agedView(plain: HistoryView, strategy: Pick<HistoryStrategy, "rule">): HistoryView {
  const view = agingView(plain, strategy);
  return { ...view, turns: agedBefore(view).turns };
}

function agingView(view: HistoryView, { rule }: Pick<HistoryStrategy, "rule">): AgingView {
  let excluded: ReadonlySet<HistoryMessage> | undefined;
  return {
    ...view,
    verbatimTurns: rule?.(view.knobs).keepTurns ?? Infinity,
    excluded: () => (excluded ??= excludedResults(view)),
  };
}

function agedBefore(view: AgingView): Aged {
  const held = stillAged(view);
  return isCold(view) ? advance(held, view) : held;
}

function selectAged(strategy: HistoryStrategy, plain: HistoryView): Selection {
  const isPlain = plain.epoch.aged === undefined && !isCold(plain);
  const first = isPlain ? strategy.select(plain) : undefined;
  // So it is with most requests, and none of what follows would change a thing.
  if (first?.epoch.number === plain.epoch.number) return first;
  const view = agingView(plain, strategy);
  const start = agedBefore(view);
  const selection = first ?? strategy.select(start.turns === plain.turns ? plain : { ...plain, turns: start.turns });
  if (selection.epoch.number === view.epoch.number) return withMarks(selection, view, start);
  const aged = advance(start, view);
  // What aging alone brings below the cap need not be cut.
  if (selection.cut === "cap" && aged !== start)
    return withMarks(strategy.select({ ...plain, turns: aged.turns }), view, aged);
  return withMarks(aged === start ? selection : { ...selection, history: inShort(selection, aged) }, view, aged);
}

/** After a rewind, or under changed knobs, what is now among the newest is told in full again. */
function stillAged(view: AgingView): Aged {
  const held = view.epoch.aged ?? nothingAged;
  if (held.toolResults === 0 && held.images === 0) return { marks: held, turns: view.turns, shortened: 0 };
  const due = dueIn(view);
  const keep = (kind: keyof AgedTurns): number =>
    held[kind] <= view.firstLoadedTurn ? held[kind] : Math.min(held[kind], due[kind]());
  const marks = { toolResults: keep("toolResults"), images: keep("images") };
  return shorten(view, marks);
}

/** As far as aging may reach by now; what it was given where no other message would change. */
function advance(aged: Aged, view: AgingView): Aged {
  const due = dueIn(view);
  const marks = {
    toolResults: Math.max(aged.marks.toolResults, due.toolResults()),
    images: Math.max(aged.marks.images, due.images()),
  };
  if (isSame(marks, aged.marks)) return aged;
  const further = shorten(view, marks);
  return further.shortened === aged.shortened ? aged : further;
}

/** The turns behind which the newest results and images stand; never among the turns promised verbatim. */
function dueIn(view: AgingView): Readonly<Record<keyof AgedTurns, () => number>> {
  const { aging } = view.knobs;
  const limit = view.firstLoadedTurn + view.turns.length - view.verbatimTurns;
  if (!aging.enabled || limit <= view.firstLoadedTurn) return { toolResults: () => 0, images: () => 0 };
  return {
    toolResults() {
      const excluded = view.excluded();
      const isResult = (message: HistoryMessage): boolean => message.role === "tool" && !excluded.has(message);
      return Math.min(limit, turnOfNewest(view, aging.toolResults, isResult));
    },
    // Apart from results: images are looked for in every byte.
    images: () => Math.min(limit, turnOfNewest(view, aging.images, showsImages)),
  };
}

/** The turn that holds the `count`-th newest of such messages; where there are less, all of them are among the newest. */
function turnOfNewest(view: HistoryView, count: number, passes: (message: HistoryMessage) => boolean): number {
  let left = count;
  for (let place = view.turns.length - 1; place >= 0; place -= 1) {
    const index = view.firstLoadedTurn + place;
    if (left <= 0) return index + 1;
    for (const message of view.turns[place]?.messages ?? []) if (passes(message)) left -= 1;
    if (left <= 0) return index;
  }
  return view.firstLoadedTurn;
}

function shorten(view: AgingView, marks: AgedTurns): Aged {
  const countText = (text: string): number => view.countText(text);
  const excluded = view.excluded();
  const noteTokens = resultNoteTokens(countText);
  let shortened = 0;
  const turns = view.turns.map((turn, place) => {
    const index = view.firstLoadedTurn + place;
    if (index >= marks.toolResults && index >= marks.images) return turn;
    const before = shortened;
    const messages = turn.messages.map((message) => {
      const result = index < marks.toolResults && !excluded.has(message) && shortToolResult(message, noteTokens);
      const form = result || (index < marks.images && withoutImages(message, countText));
      if (form) shortened += 1;
      return form || message;
    });
    return shortened === before ? turn : { messages, stored: turn.stored };
  });
  return { marks, turns, shortened };
}

/** What was chosen before it aged. */
function inShort({ history }: Selection, { turns }: Aged): HistoryMessage[] {
  const forms = new Map<HistoryMessage, HistoryMessage>();
  for (const message of messagesOf(turns)) if (message.original) forms.set(message.original, message);
  return history.map((message) => forms.get(message) ?? message);
}

function excludedResults({ knobs, turns, incoming }: HistoryView): ReadonlySet<HistoryMessage> {
  const { excludeTools } = knobs.aging;
  if (excludeTools.length === 0) return new Set();
  return namedResults([...turns.flatMap(({ messages }) => messages), ...incoming], new Set(excludeTools));
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
