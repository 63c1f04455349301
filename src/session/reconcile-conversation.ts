import type {
  ClientHabits,
  HistoryMode,
  IncomingPrint,
  NeedsTurns,
  Reconciled,
  RequestedMode,
  TranscriptPrint,
} from "./reconcile.ts";
import {
  chainOf,
  type FlatTranscript,
  flattenTranscript,
  incomingEnd,
  searchTranscript,
  type TranscriptMatch,
} from "./transcript-match.ts";

const needsTurns: NeedsTurns = { needsTurnsFrom: 0 };

/**
 * Decides which messages of a request are new and which stored turns they follow. Pure: the same conversations give the
 * same answer, and it never differs from the one with every turn loaded; `needsTurnsFrom` asks for those.
 *
 * Identical exchanges make some requests ambiguous; then the reading wins that keeps most of what is stored.
 */
export function reconcile(
  stored: TranscriptPrint,
  incoming: readonly IncomingPrint[],
  requested: RequestedMode,
): Reconciled | NeedsTurns {
  if (stored.firstTurn === 0 && stored.turns.length === 0) return openSession(incoming, requested);
  if (requested === "delta") return continueFrom(stored, 0);
  const preamble = opensWithPreamble(stored, incoming) ? stored.preamble : 0;
  if (requested === "auto" && isDelta(stored, incoming, preamble)) return continueFrom(stored, preamble);
  const flat = flattenTranscript(stored);
  const { best, decided } = searchTranscript(stored, flat, { incoming, preamble });
  if (!decided) return needsTurns;
  const place = best ? placeTurn({ stored, flat, incoming, match: best }) : replaceAll;
  // The turn to go on from, and whether it was answered, must be at hand.
  const isAtFront = place.keepTurns === stored.firstTurn || best?.end === flat.messagesBefore;
  if (stored.firstTurn > 0 && isAtFront) return needsTurns;
  return { ...place, habits: learnHabits({ stored, incoming, requested, preamble, match: best, place }) };
}

/**
 * Messages of a session's first request that are its opening: few-shot pairs, up to the last answer among them. A request
 * that goes on with tool results is in the middle of something, and has none.
 */
function preambleLength(incoming: readonly IncomingPrint[]): number {
  const length = incoming.findLastIndex(({ role }) => role === "assistant") + 1;
  const next = incoming[length];
  return next === undefined || next.role === "tool" ? 0 : length;
}

function openingHabits(incoming: readonly IncomingPrint[], replayed: boolean): ClientHabits {
  const preamble = preambleLength(incoming);
  return { preamble, preambleChain: chainOf(incoming, preamble), replayed };
}

function openSession(incoming: readonly IncomingPrint[], requested: RequestedMode): Reconciled {
  const habits = openingHabits(incoming, requested === "replay");
  return { ...replaceAll, mode: "new", replaysFrom: undefined, habits };
}

function opensWithPreamble({ preamble, preambleChain }: ClientHabits, incoming: readonly IncomingPrint[]): boolean {
  return preamble > 0 && incoming.length > preamble && chainOf(incoming, preamble) === preambleChain;
}

/** A conversation cannot begin with a tool's result, so one alone continues the session whoever its client is. */
function isDelta({ replayed }: ClientHabits, incoming: readonly IncomingPrint[], preamble: number): boolean {
  if (incoming.some(({ role }, at) => at >= preamble && role === "assistant")) return false;
  const first = incoming[preamble];
  return !replayed || first === undefined || first.role === "tool";
}

function continueFrom(stored: TranscriptPrint, freshFrom: number): Reconciled {
  const { preamble, preambleChain, replayed } = stored;
  return {
    mode: "delta",
    keepTurns: stored.firstTurn + stored.turns.length,
    keepMessages: 0,
    previousChoice: stored.turns.at(-1)?.chosen ?? 0,
    freshFrom,
    replaysFrom: undefined,
    habits: { preamble, preambleChain, replayed },
  };
}

type Place = Omit<Reconciled, "habits">;

/** The client's copy wins. */
const replaceAll: Place = {
  mode: "edited",
  keepTurns: 0,
  keepMessages: 0,
  previousChoice: 0,
  freshFrom: 0,
  replaysFrom: 0,
};

interface Matched {
  readonly stored: TranscriptPrint;
  readonly flat: FlatTranscript;
  readonly incoming: readonly IncomingPrint[];
  readonly match: TranscriptMatch;
}

function placeTurn(matched: Matched): Place {
  const { stored, flat, incoming, match } = matched;
  const isAllMatched = incomingEnd(match) === incoming.length;
  const next = flat.messages[match.end - flat.messagesBefore];
  // Nothing new behind an answer asks to go on with it; nothing new behind a question asks it again.
  const isAskedAgain = isAllMatched && (next ? next.role === "assistant" : incoming.at(-1)?.role !== "assistant");
  if (match.end < flat.total || isAskedAgain) {
    return branchAt(matched, isAskedAgain ? askedAt(matched) : match.end, isAskedAgain ? "regenerated" : "edited");
  }
  return {
    mode: "replay",
    keepTurns: stored.firstTurn + stored.turns.length,
    keepMessages: 0,
    previousChoice: choiceAtEnd(matched),
    freshFrom: incomingEnd(match),
    replaysFrom: replaysFrom(match),
  };
}

/** The message whose turn is asked again: the answer to replace, or a question that never got one. */
function askedAt({ stored, flat, match: { end } }: Matched): number {
  const turn = stored.turns[turnOf(flat, end - 1)];
  return turn?.record.answers.length === 0 ? end - 1 : end;
}

const turnOf = ({ turnStarts }: FlatTranscript, message: number): number =>
  turnStarts.findLastIndex((start) => start <= message);

/** Keeps the turns before the one that holds `message`, and begins the new turn where that one began. */
function branchAt({ stored, flat, match }: Matched, message: number, mode: HistoryMode): Place {
  const turn = turnOf(flat, message);
  const turnStart = flat.turnStarts[turn] ?? 0;
  return {
    mode,
    keepTurns: stored.firstTurn + turn,
    keepMessages: Math.max(0, match.start - turnStart),
    previousChoice: stored.turns[turn - 1]?.chosen ?? 0,
    freshFrom: match.skipped + Math.max(0, turnStart - match.start),
    replaysFrom: replaysFrom(match),
  };
}

const replaysFrom = ({ skipped, start }: TranscriptMatch): number | undefined => (skipped === 0 ? start : undefined);

function choiceAtEnd({ stored, flat: { classOf }, incoming, match }: Matched): number {
  const last = stored.turns.at(-1);
  const fingerprint = incoming[incomingEnd(match) - 1]?.fingerprint ?? "";
  const choice = last?.record.answers.findIndex(({ seen }) => classOf(seen) === classOf(fingerprint)) ?? -1;
  return choice < 0 ? (last?.chosen ?? 0) : choice;
}

interface Lesson {
  readonly stored: TranscriptPrint;
  readonly incoming: readonly IncomingPrint[];
  readonly requested: RequestedMode;
  readonly preamble: number;
  readonly match: TranscriptMatch | undefined;
  readonly place: Place;
}

function learnHabits({ stored, incoming, requested, preamble, match, place }: Lesson): ClientHabits {
  const answer = incoming.findIndex(({ role }, at) => at >= preamble && role === "assistant");
  const isStored = answer >= 0 && match !== undefined && answer < incomingEnd(match);
  const isFollowed = incoming.some(({ role }, at) => at > answer && role === "user");
  const replayed = stored.replayed || requested === "replay" || (isStored && isFollowed);
  // Another beginning is another opening: the few-shot pairs of a client that changed its prompt.
  if (place.keepTurns === 0 && place.keepMessages === 0 && preamble === 0) return openingHabits(incoming, replayed);
  return { preamble: stored.preamble, preambleChain: stored.preambleChain, replayed };
}
