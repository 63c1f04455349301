import { prefixLengths } from "../kit/prefix-lengths.ts";
import { foldChain } from "./fingerprint.ts";
import { type ClassOf, messageClasses } from "./message-classes.ts";
import type { IncomingPrint, StoredPrint, TranscriptPrint } from "./reconcile.ts";

/** The front of an incoming conversation, found in the stored transcript. Positions count over the whole session. */
export interface TranscriptMatch {
  /** Incoming messages that were left out of the search: the session's preamble, in front of a window. */
  readonly skipped: number;
  /** The transcript's message that the first incoming message after those equals. */
  readonly start: number;
  /** The first transcript message that is not matched. */
  readonly end: number;
}

export interface SearchedTranscript {
  readonly best: TranscriptMatch | undefined;
  /** False when turns that are not loaded could hold a better match. */
  readonly decided: boolean;
}

/** The loaded part of the transcript, message by message. */
export interface FlatTranscript {
  readonly messagesBefore: number;
  /** Messages of the whole session. */
  readonly total: number;
  readonly messages: readonly StoredPrint[];
  /** The message at which each loaded turn begins. */
  readonly turnStarts: readonly number[];
  /** What the last message may be: one class for each choice of an answer. Empty when no message is loaded. */
  readonly lastClasses: ReadonlySet<string>;
  readonly classOf: ClassOf;
}

export function flattenTranscript({ turns, messagesBefore }: TranscriptPrint): FlatTranscript {
  const messages: StoredPrint[] = [];
  const turnStarts: number[] = [];
  for (const { record, chosen } of turns) {
    turnStarts.push(messagesBefore + messages.length);
    messages.push(...record.messages);
    const answer = record.answers[chosen];
    if (answer) messages.push(answer);
  }
  const answers = turns.at(-1)?.record.answers ?? [];
  const lastChoices = answers.length > 0 ? answers : messages.slice(-1);
  const classOf = messageClasses([...messages, ...lastChoices]);
  const lastClasses = new Set(lastChoices.map(({ seen }) => classOf(seen)));
  return { messagesBefore, total: messagesBefore + messages.length, messages, turnStarts, lastClasses, classOf };
}

/**
 * Finds where the incoming conversation stands in the transcript: the longest match that reaches the transcript's end,
 * else the longest other one, the latest of equals. A match holds a stored assistant message or begins at the start:
 * a user who repeats himself is not taken for one who replays.
 */
export function searchTranscript(
  stored: TranscriptPrint,
  flat: FlatTranscript,
  { incoming, preamble }: { incoming: readonly IncomingPrint[]; preamble: number },
): SearchedTranscript {
  const classes = incoming.map(({ fingerprint }) => flat.classOf(fingerprint));
  const search: Search = { stored, flat, incoming, classes, preamble };
  const whole = matchFromStart(search);
  if (whole?.end === flat.total) return { best: whole, decided: true };
  const windows =
    preamble > 0 ? [...windowsAfter(search, 0), ...windowsAfter(search, preamble)] : windowsAfter(search, 0);
  const best = windows.reduce((best, match) => (best && !isBetter(flat, match, best) ? best : match), whole);
  return { best, decided: stored.firstTurn === 0 || isDecided(search, whole, best) };
}

interface Search {
  readonly stored: TranscriptPrint;
  readonly flat: FlatTranscript;
  readonly incoming: readonly IncomingPrint[];
  /** Class of each incoming message. */
  readonly classes: readonly string[];
  readonly preamble: number;
}

/** The first incoming message behind a match. */
export const incomingEnd = ({ skipped, start, end }: TranscriptMatch): number => skipped + end - start;

/** A full replay is recognised by one running hash over what is not loaded. */
function matchFromStart({ stored, flat, incoming, classes }: Search): TranscriptMatch | undefined {
  const { messagesBefore, messages, total, lastClasses, classOf } = flat;
  if (incoming.length < messagesBefore) return undefined;
  if (chainOf(incoming, messagesBefore) !== stored.chainBefore) return undefined;
  let end = messagesBefore;
  const isMatch = ({ seen }: StoredPrint): boolean =>
    end === total - 1 ? lastClasses.has(classes[end] ?? "") : classOf(seen) === classes[end];
  for (const message of messages) {
    if (!isMatch(message)) break;
    end += 1;
  }
  return end === 0 ? undefined : { skipped: 0, start: 0, end };
}

/** `foldChain` over the first `count` messages. */
export function chainOf(incoming: readonly IncomingPrint[], count: number): string {
  let chain = "";
  for (let at = 0; at < count; at += 1) chain = foldChain(chain, incoming[at]?.fingerprint ?? "");
  return chain;
}

/** Matches of a client that sends only the newest part of its history, perhaps behind the session's preamble. */
function windowsAfter({ flat, incoming, classes }: Search, skipped: number): TranscriptMatch[] {
  const assistant = incoming.findIndex(({ role }, at) => at >= skipped && role === "assistant");
  if (assistant < 0) return [];
  const { messagesBefore, messages, total, lastClasses, classOf } = flat;
  // The last message is compared apart: it is whichever choice the client went on from.
  const inner = messages.slice(0, -1).map(({ seen }) => classOf(seen));
  const lengths = [...prefixLengths(classes.slice(skipped), inner), 0];
  return lengths.flatMap((length, at) => {
    const start = messagesBefore + at;
    const reached = start + length;
    const isWhole = reached === total - 1 && lastClasses.has(classes[skipped + length] ?? "");
    const match = { skipped, start, end: isWhole ? total : reached };
    return start > skipped && incomingEnd(match) > assistant ? [match] : [];
  });
}

function isBetter({ total }: FlatTranscript, match: TranscriptMatch, best: TranscriptMatch): boolean {
  const reachesEnd = match.end === total;
  if (reachesEnd !== (best.end === total)) return reachesEnd;
  const longer = incomingEnd(match) - incomingEnd(best);
  return longer === 0 ? match.start > best.start : longer > 0;
}

/**
 * Whether no match that begins before the loaded turns could be better than the best one found. To reach the end it would
 * have to hold the last message again, further on; beside a replay from the start, the first message once more.
 */
function isDecided(search: Search, whole: TranscriptMatch | undefined, best: TranscriptMatch | undefined): boolean {
  const { flat, classes } = search;
  if (!best) return false;
  if (best.end === flat.total)
    return !classes.some((item, at) => at >= incomingEnd(best) && flat.lastClasses.has(item));
  return best === whole ? !isPeriodic(search) : incomingEnd(best) === classes.length;
}

function isPeriodic({ flat: { messagesBefore }, classes, preamble }: Search): boolean {
  const recurs = (first: number): boolean => classes.slice(first + 1, messagesBefore).includes(classes[first] ?? "");
  return recurs(0) || recurs(preamble);
}
