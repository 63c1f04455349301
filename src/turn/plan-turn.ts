import {
  CLOSING_TOKENS,
  type HeldTurns,
  type HistoryMessage,
  type HistoryTurn,
  type HistoryView,
  type Selection,
  type StrategyName,
} from "../history/history-strategy.ts";
import { countPlaceholders } from "../history/placeholders.ts";
import { type RewoundEpoch, rewindEpoch } from "../history/rewind-epoch.ts";
import { strategyFor } from "../history/strategy-registry.ts";
import { appendTail, placeholderNote, restorableNote } from "../history/tail-note.ts";
import { type ActiveTurn, turnMessages, turnPrints } from "../session/active-turns.ts";
import { reconcile } from "../session/reconcile-conversation.ts";
import type {
  ClientHabits,
  HistoryMode,
  IncomingPrint,
  Reconciled,
  RequestedMode,
  TranscriptPrint,
} from "../session/reconcile.ts";
import { emptyFront, noHabits, type SessionHead, type StableFront } from "../session/session-head.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { ModelPrice } from "../tokens/price-list.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { freshEpoch } from "./advance-session.ts";
import { calibrate, hitRateOf, repeatedTokens, stableFront } from "./cache-calibration.ts";
import { cappedKnobs, economicsOf } from "./economics.ts";
import type { HiddenRequest } from "./hide-request.ts";
import type { OpenedSession } from "./opened-session.ts";
import { countMessages, type IncomingMessage } from "./read-conversation.ts";
import { type Recall, recallForTurn } from "./recall-turn.ts";
import type { SessionCache } from "./session-cache.ts";
import type { TurnRequest } from "./turn-request.ts";
import type { TurnRing } from "./turn-ring.ts";

export interface TurnInput {
  readonly request: TurnRequest;
  readonly system: readonly HistoryMessage[];
  readonly incoming: readonly IncomingMessage[];
  readonly envelopeTokens: number;
  readonly counter: TokenCounter;
  readonly price: ModelPrice | undefined;
  /** Active turns to keep when this request takes the place of an unfinished turn. */
  readonly replaces: number | undefined;
  /** Set where the upstream is to be sent placeholders only. */
  readonly hidden: HiddenRequest | undefined;
}

/** What will be sent for one request, and what it does to the session. */
export interface TurnPlan {
  readonly mode: HistoryMode;
  readonly strategy: StrategyName;
  /** The snapshot planned on, with older turns where they were needed. */
  readonly session: OpenedSession | undefined;
  readonly keepTurns: number;
  readonly rewindTo: string | undefined;
  readonly previousChoice: number;
  /** Messages of a superseded turn that the new turn repeats in front of its own. */
  readonly repeated: readonly StoredMessage[];
  /** Incoming messages that the transcript does not hold yet. */
  readonly fresh: readonly IncomingMessage[];
  readonly habits: ClientHabits;
  readonly selection: Selection;
  /** `undefined` where the strategy recalls nothing, or nothing is left out. */
  readonly recall: Recall | undefined;
  /** The turns of `session` that stay. */
  readonly kept: readonly ActiveTurn[];
  readonly parentEpoch: number;
  readonly carried: number;
  /** System messages, history and incoming ones as they are sent. */
  readonly context: readonly HistoryMessage[];
  /** False when the context is exactly what the client sent: the body goes out as it came. */
  readonly changed: boolean;
  readonly redactions: number;
  /** Counted prompt tokens: of the context, of a full replay, and of what stands before the transcript in it. */
  readonly sentTokens: number;
  readonly fullTokens: number;
  /** Of the request as the client made it. */
  readonly originalTokens: number;
  readonly frontTokens: number;
  readonly stable: StableFront;
  /** Counted tokens that this prompt begins with as the one before did, if system messages and tools are the same. */
  readonly repeatedTokens: number;
  /** Counted tokens of the kept transcript. */
  readonly keptTokens: number;
}

export async function planTurn(
  { ports, cache, recall: shelf }: Pick<TurnRing, "ports" | "cache" | "recall">,
  { input, snapshot }: { input: TurnInput; snapshot: OpenedSession | undefined },
): Promise<TurnPlan> {
  const { request, incoming } = input;
  const { session, reconciled: found } = await reconcileRequest(cache, input, snapshot);
  const reconciled = replacing(found, session, input.replaces);
  const strategyName = request.strategy ?? session?.head.strategy ?? ports.settings.strategy;
  const strategy = strategyFor(strategyName);
  const knobs = cappedKnobs(ports.settings.knobs, { fields: request.chat.fields, price: input.price });
  const survived = rewindEpoch(session?.head.epoch ?? freshEpoch, session?.summaries ?? [], reconciled.keepTurns);
  const needed = strategy.firstTurnNeeded(
    heldTurns(survived, { keepTurns: reconciled.keepTurns, head: session?.head }),
    knobs,
  );
  const held = session && needed < session.front.turns ? await cache.loadAll(session) : session;
  const ownSystem = input.system.length > 0 || reconciled.mode !== "delta";
  const heldSystem = ownSystem ? [] : (held?.system ?? []);
  const system = ownSystem ? input.system : ((await input.hidden?.stored(heldSystem)) ?? heldSystem);
  const kept = keptTurns(held, reconciled);
  const fresh = await readFresh(input, reconciled);
  const repeated = repeatedMessages(held, reconciled);
  const view: HistoryView = {
    system,
    turns: historyTurns(held, kept, { reconciled, incoming, travelsAsStored: input.hidden !== undefined }),
    firstLoadedTurn: held?.front.turns ?? 0,
    incoming: [...repeated, ...fresh.map(({ sent }) => sent)],
    summaries: survived.summaries,
    epoch: survived.epoch,
    envelopeTokens: input.envelopeTokens,
    now: ports.clock(),
    lastAskedAt: session?.head.lastAskedAt,
    economics: calibrate(
      economicsOf(input.price, ports.settings.promptCache.ttlSeconds),
      hitRateOf(session?.head.billing, request.chat.model),
    ),
    knobs,
    note: ports.settings.withholding.restores ? restorableNote : placeholderNote,
    countText: (text) => input.counter.countText(text),
  };
  const selected = strategy.select(view);
  const history = (await input.hidden?.stored(selected.history)) ?? selected.history;
  const selection = { ...selected, history };
  const { owner, credential } = request.principal;
  const task = { owner, credential, held: held && { session: held, kept }, view, selection, hidden: input.hidden };
  const recall = strategy.recalls ? await recallForTurn({ ports, cache, shelf }, task) : undefined;
  const decided = { reconciled, held, kept, repeated, fresh, recall, strategy: strategyName };
  return describePlan({ input, view, selection, ...decided });
}

export const heldTurns = (
  { epoch, summaries }: RewoundEpoch,
  { keepTurns, head }: { readonly keepTurns: number; readonly head: SessionHead | undefined },
): HeldTurns => ({
  turns: keepTurns,
  epochFirstTurn: epoch.firstTurn,
  tokens: head?.tokens ?? 0,
  // The front ends where the stored epoch begins; a rewind may have begun another.
  epochTokens: head && epoch.firstTurn === head.front.turns ? head.tokens - head.front.tokens : 0,
  summarised: summaries.reduce((newest, { toTurn }) => Math.max(newest, toTurn), 0),
});

function readFresh({ incoming, hidden }: TurnInput, { freshFrom }: Reconciled) {
  const fresh = incoming.slice(freshFrom);
  return hidden ? hidden.fresh(fresh) : countMessages(fresh);
}

interface ReconciledSession {
  readonly session: OpenedSession | undefined;
  readonly reconciled: Reconciled;
}

/** Waits only where older turns are needed. */
function reconcileRequest(
  cache: SessionCache,
  { request, incoming }: TurnInput,
  snapshot: OpenedSession | undefined,
): ReconciledSession | Promise<ReconciledSession> {
  const prints = incoming.map(({ message, fingerprint }) => ({ role: message.role, fingerprint }));
  const first = reconcile(printOf(snapshot), prints, request.mode);
  return "needsTurnsFrom" in first
    ? reconcileWhole(cache, snapshot, { prints, mode: request.mode })
    : { session: snapshot, reconciled: first };
}

async function reconcileWhole(
  cache: SessionCache,
  snapshot: OpenedSession | undefined,
  { prints, mode }: { prints: readonly IncomingPrint[]; mode: RequestedMode },
): Promise<ReconciledSession> {
  const session = snapshot && (await cache.loadAll(snapshot));
  const reconciled = reconcile(printOf(session), prints, mode);
  if ("needsTurnsFrom" in reconciled) throw new TypeError("reconcile asked for turns it was given");
  return { session, reconciled };
}

/** In delta mode nothing in the messages tells that they repeat an unfinished turn; the retry itself does. */
function replacing(
  reconciled: Reconciled,
  session: OpenedSession | undefined,
  keepTurns: number | undefined,
): Reconciled {
  if (keepTurns === undefined || reconciled.mode !== "delta") return reconciled;
  const last = session?.active[keepTurns - 1 - session.front.turns];
  return { ...reconciled, keepTurns, previousChoice: last?.chosen ?? 0 };
}

function repeatedMessages(
  session: OpenedSession | undefined,
  { keepTurns, keepMessages }: Reconciled,
): readonly StoredMessage[] {
  const superseded = keepMessages > 0 ? session?.active[keepTurns - session.front.turns] : undefined;
  return superseded?.record.messages.slice(0, keepMessages) ?? [];
}

function printOf(session: OpenedSession | undefined): TranscriptPrint {
  const front = session?.front ?? emptyFront;
  return {
    firstTurn: front.turns,
    messagesBefore: front.messages,
    chainBefore: front.printChain,
    turns: turnPrints(session?.active ?? []),
    ...(session?.head.habits ?? noHabits),
  };
}

/** The turns that stay, the last of them with the answer the client went on from. */
function keptTurns(
  session: OpenedSession | undefined,
  { keepTurns, previousChoice }: Reconciled,
): readonly ActiveTurn[] {
  if (!session) return [];
  const kept = session.active.slice(0, Math.max(0, keepTurns - session.front.turns));
  const last = kept.at(-1);
  if (!last || last.chosen === previousChoice) return kept;
  return [...kept.slice(0, -1), { ...last, chosen: previousChoice }];
}

function historyTurns(
  session: OpenedSession | undefined,
  kept: readonly ActiveTurn[],
  {
    reconciled,
    incoming,
    travelsAsStored,
  }: { reconciled: Reconciled; incoming: readonly IncomingMessage[]; travelsAsStored: boolean },
): HistoryTurn[] {
  const firstIndex = session?.front.turns ?? 0;
  const { freshFrom } = reconciled;
  const replaysFrom = travelsAsStored ? undefined : reconciled.replaysFrom;
  // In replay mode what is kept verbatim is the client's own bytes: it never sees a placeholder of ours.
  const own = (stored: HistoryMessage, at: number): HistoryMessage => {
    const index = replaysFrom === undefined ? -1 : at - replaysFrom;
    const sent = index >= 0 && index < freshFrom ? incoming[index]?.sent : undefined;
    return sent ? { ...stored, bytes: sent.bytes, redactions: 0 } : stored;
  };
  let position = session?.front.messages ?? 0;
  return kept.map((turn, offset) => {
    const stored = turnMessages(turn);
    const first = position;
    const messages = replaysFrom === undefined ? stored : stored.map((message, at) => own(message, first + at));
    position += stored.length;
    return { index: firstIndex + offset, at: turn.record.at, messages, stored };
  });
}

interface PlanParts {
  readonly input: TurnInput;
  readonly view: HistoryView;
  readonly selection: Selection;
  readonly reconciled: Reconciled;
  readonly held: OpenedSession | undefined;
  readonly kept: readonly ActiveTurn[];
  readonly repeated: readonly StoredMessage[];
  readonly fresh: readonly IncomingMessage[];
  readonly recall: Recall | undefined;
  readonly strategy: StrategyName;
}

function describePlan(parts: PlanParts): TurnPlan {
  const { input, view, selection, reconciled, held, kept, repeated, fresh, recall, strategy } = parts;
  const { keepTurns, previousChoice, mode, habits } = reconciled;
  const plain = [...view.system, ...selection.history, ...selection.incoming];
  const inMessages = plain.reduce((sum, message) => sum + message.redactions, 0);
  const redactions = inMessages + countPlaceholders(recall?.text ?? "");
  const notes = [...(recall?.text ? [recall.text] : []), ...(redactions > 0 ? [view.note] : [])];
  const context = [...view.system, ...selection.history, ...withNotes(selection.incoming, notes, view)];
  const frontTokens = input.envelopeTokens + sumTokens(view.system);
  const keptTokens = (held?.front.tokens ?? 0) + view.turns.reduce((sum, turn) => sum + sumTokens(turn.stored), 0);
  const stable = stableFront(selection, frontTokens);
  const original = [...input.system, ...input.incoming.map(({ sent }) => sent)];
  const all = held?.head.turns ?? 0;
  const fullTokens = frontTokens + keptTokens + sumTokens(view.incoming) + CLOSING_TOKENS;
  return {
    mode,
    strategy,
    session: held,
    keepTurns,
    rewindTo: keepTurns < all ? (kept.at(-1)?.record.id ?? "") : undefined,
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
    changed: context.length !== original.length || context.some(({ bytes }, index) => bytes !== original[index]?.bytes),
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

const deltaTokens = ({ input, fresh }: PlanParts): number =>
  input.envelopeTokens + sumTokens(input.system) + sumTokens(fresh.map(({ sent }) => sent)) + CLOSING_TOKENS;

/** Tokens of the kept transcript before what a client replays of it: some send only their own window. */
function skippedTokens({ held, view, reconciled: { replaysFrom = 0 } }: PlanParts): number {
  const front = held?.front;
  const stored = view.turns.flatMap((turn) => turn.stored);
  const before = Math.max(0, replaysFrom - (front?.messages ?? 0));
  return replaysFrom === 0 ? 0 : (front?.tokens ?? 0) + sumTokens(stored.slice(0, before));
}

/** Only where the newest message is the user's may notes go: nothing may stand between a call and its result. */
function withNotes(
  incoming: readonly HistoryMessage[],
  notes: readonly string[],
  view: HistoryView,
): readonly HistoryMessage[] {
  const newest = incoming.at(-1);
  if (notes.length === 0 || newest?.role !== "user") return incoming;
  const noted = notes.reduce((message, note) => appendTail(message, note, view.countText), newest);
  return [...incoming.slice(0, -1), noted];
}

const sumTokens = (messages: readonly HistoryMessage[]): number =>
  messages.reduce((sum, message) => sum + message.tokens, 0);
