import { GatewayError } from "../errors/gateway-error.ts";
import type { CutReason, EpochState, RecallOutcome, StrategyName } from "../history/history-strategy.ts";
import type { ClientHabits } from "./reconcile.ts";

/** What lies before the turns that a cold load reads. */
export interface TranscriptFront {
  readonly turns: number;
  readonly messages: number;
  readonly tokens: number;
  /** Chain over the `seen` fingerprints of those messages: a replay of them is recognised without loading them. */
  readonly printChain: string;
}

/** What is needed to price the full replay that this session saves. */
export interface BillingState {
  readonly model: string;
  /** Prompt tokens the last request would have been billed, had everything been replayed. */
  readonly baselineTokens: number;
  /** Of them, what stands before the transcript: system messages and envelope. */
  readonly frontTokens: number;
  /** Billed over counted tokens, learnt from `usage`. */
  readonly billedRatio: number;
  /** The front of the last prompt; absent in heads of older versions. */
  readonly stable?: StableFront | undefined;
  /** How much of what should have been cached was, lately: 0 to 1; absent until it was seen. */
  readonly hitRate?: number | undefined;
  /** The same, when it was last seen. */
  readonly lastHit?: number | undefined;
}

/** What of a prompt the next one begins with while its history begins alike: all but the newest messages. */
export interface StableFront {
  /** Epoch, and a hash of the first message of the history: strategies of one epoch differ in what they begin with. */
  readonly begins: string;
  /** As counted. */
  readonly tokens: number;
}

export interface SessionTotals {
  readonly baselineTokens: number;
  readonly sentTokens: number;
  readonly overheadTokens: number;
  /** USD, signed, after overhead; models without a price add nothing. */
  readonly savedUsd: number;
  /** What observed turns would have saved; absent where none was observed. */
  readonly wouldSaveUsd?: number | undefined;
}

/** An id that the session had before, good for a while longer. */
export interface FormerId {
  readonly sessionId: string;
  readonly until: number;
}

/** How often the session got a new id, and which earlier ones may still be used. */
export interface SessionRotation {
  readonly generation: number;
  readonly former: readonly FormerId[];
}

/** Keyed hashes of where a session was begun from; absent where the configuration does not ask. */
export interface SessionBinding {
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** What the newest recorded turn sent. For people: nothing is decided by it. */
export interface SentContext {
  readonly strategy: StrategyName;
  /** The first active turn it sent verbatim. */
  readonly firstTurn: number;
  /** Why the turns before that one are left out, by this turn or an earlier one; `undefined` where none are. */
  readonly leftOutBy: CutReason | undefined;
  /** Set where this very turn cut. */
  readonly cut: CutReason | undefined;
  readonly messages: number;
  readonly placeholders: number;
  /** What was recalled behind the newest message, if anything was looked for. */
  readonly recall?: { readonly outcome: RecallOutcome; readonly tokens: number } | undefined;
  /** Counted tokens of the prompt, and of a full replay. */
  readonly tokens: number;
  readonly fullTokens: number;
}

/** The sealed head of a session: everything a turn must know before it sees the transcript. Under 4 KB. */
export interface SessionHead {
  /** The id it answers to now: a rotation replaces it. */
  readonly sessionId: string;
  readonly rotation?: SessionRotation | undefined;
  readonly binding?: SessionBinding | undefined;
  /** First line of the first user message, redacted. */
  readonly title: string;
  readonly createdAt: number;
  readonly lastActiveAt: number;
  /** When the upstream was last asked; `undefined` for a session that was only created. */
  readonly lastAskedAt: number | undefined;
  /** The strategy the session was created with, if it names one. */
  readonly strategy: StrategyName | undefined;
  /** Records in the log: the sequence of the next one. */
  readonly records: number;
  /** Running hash over turn ids and tags: removed, reordered or swapped records are seen. */
  readonly recordChain: string;
  /** The same up to the first record a cold load reads. */
  readonly frontRecordChain: string;
  /** Active turns, messages and tokens of the whole session. */
  readonly turns: number;
  readonly messages: number;
  readonly tokens: number;
  readonly front: TranscriptFront;
  readonly epoch: EpochState;
  readonly habits: ClientHabits;
  /** Hash of the last system messages a client sent. */
  readonly systemHash: string | undefined;
  /** Tag of each slot's current record. */
  readonly slotTags: Readonly<Record<string, string>>;
  readonly billing: BillingState | undefined;
  readonly totals: SessionTotals;
  /** Absent before the first turn, and in heads of before this was kept. */
  readonly sent?: SentContext | undefined;
}

const HEAD_VERSION = 1;

/**
 * As JSON. V8 prints a text twice in which it meets a character beyond Latin-1, and every shortened title ends in one: so
 * the title is printed as the bytes of its UTF-8, which gives the same text.
 */
export function encodeHead(head: SessionHead): Buffer {
  const title = utf8Units(head.title);
  const printed = title === head.title ? head : { ...head, title };
  const json = JSON.stringify({ version: HEAD_VERSION, head: printed });
  // A model's name may be anything too: then all is printed as characters.
  if (beyondAscii(json) === beyondAscii(title)) return Buffer.from(json, "latin1");
  return Buffer.from(JSON.stringify({ version: HEAD_VERSION, head }));
}

/** A text with one character, U+0000 to U+00FF, for each byte of its UTF-8. */
const utf8Units = (text: string): string => (beyondAscii(text) === 0 ? text : Buffer.from(text).toString("latin1"));

/** Bytes that its UTF-8 takes beyond one a character: 0 for ASCII, and more with every other character. */
const beyondAscii = (text: string): number => Buffer.byteLength(text) - text.length;

/** @throws GatewayError `record_unreadable` for a head of another version */
export function decodeHead(plaintext: Buffer): SessionHead {
  const { version, head } = JSON.parse(plaintext.toString("utf8")) as { version: number; head: SessionHead };
  if (version !== HEAD_VERSION) throw new GatewayError("record_unreadable", `session head of version ${version}`);
  return head;
}

export const emptyFront: TranscriptFront = { turns: 0, messages: 0, tokens: 0, printChain: "" };

export const noHabits: ClientHabits = { preamble: 0, preambleChain: "", replayed: false };
