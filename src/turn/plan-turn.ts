import type { HistoryMessage, HistoryView, Selection, StrategyName } from "../history/history-strategy.ts";
import { rewindEpoch } from "../history/rewind-epoch.ts";
import { strategyFor } from "../history/strategy-registry.ts";
import { placeholderNote, restorableNote } from "../history/tail-note.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import type { ActiveTurn } from "../session/active-turns.ts";
import type { ClientHabits, HistoryMode, Reconciled } from "../session/reconcile.ts";
import type { StableFront } from "../session/session-head.ts";
import type { StoredMessage } from "../session/turn-record.ts";
import type { ModelPrice } from "../tokens/price-list.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import { freshEpoch } from "./advance-session.ts";
import { calibrate, hitRateOf } from "./cache-calibration.ts";
import { describePlan } from "./describe-plan.ts";
import { cappedKnobs, economicsOf } from "./economics.ts";
import { heldTurns, historyTurns, keptTurns, repeatedMessages } from "./held-turns.ts";
import type { HiddenRequest } from "./hide-request.ts";
import type { OpenedSession } from "./opened-session.ts";
import { countMessages, type FreshMessage, type IncomingMessage } from "./read-conversation.ts";
import { type Recall, recallForTurn } from "./recall-turn.ts";
import { reconcileRequest } from "./reconcile-request.ts";
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
  readonly fresh: readonly FreshMessage[];
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

/** Waits only for what is not at hand, as little is: a promise for each step would cost more than the step. */
export async function planTurn(
  { ports, cache, recall: shelf }: Pick<TurnRing, "ports" | "cache" | "recall">,
  { input, snapshot }: { input: TurnInput; snapshot: OpenedSession | undefined },
): Promise<TurnPlan> {
  const { request, incoming, price, hidden } = input;
  const { settings } = ports;
  const placed = reconcileRequest(cache, input, snapshot);
  const { session, reconciled } = placed instanceof Promise ? await placed : placed;
  const strategyName = request.strategy ?? session?.head.strategy ?? settings.strategy;
  const strategy = strategyFor(strategyName);
  const knobs = cappedKnobs(settings.knobs, { fields: request.chat.fields, price });
  const survived = rewindEpoch(session?.head.epoch ?? freshEpoch, session?.summaries ?? [], reconciled.keepTurns);
  const needed = strategy.firstTurnNeeded(
    heldTurns(survived, { keepTurns: reconciled.keepTurns, head: session?.head }),
    knobs,
  );
  const held = session && needed < session.front.turns ? await cache.loadAll(session) : session;
  const ownSystem = input.system.length > 0 || reconciled.mode !== "delta";
  const heldSystem = ownSystem ? input.system : (held?.system ?? []);
  const system = hidden && !ownSystem ? await hidden.stored(heldSystem) : heldSystem;
  const kept = keptTurns(held, reconciled);
  const counted = readFresh(input, reconciled);
  const fresh = counted instanceof Promise ? await counted : counted;
  const superseded = repeatedMessages(held, reconciled);
  const repeated = hidden && superseded.length > 0 ? await hidden.repeated(superseded) : superseded;
  const view: HistoryView = {
    system,
    turns: historyTurns(held, kept, { reconciled, incoming, travelsAsStored: hidden !== undefined }),
    firstLoadedTurn: held?.front.turns ?? 0,
    incoming: [...repeated, ...fresh.map(({ sent }) => sent)],
    summaries: survived.summaries,
    epoch: survived.epoch,
    envelopeTokens: input.envelopeTokens,
    now: ports.clock(),
    lastAskedAt: session?.head.lastAskedAt,
    economics: calibrate(
      economicsOf(price, settings.promptCache.ttlSeconds),
      hitRateOf(session?.head.billing, request.chat.model),
    ),
    knobs,
    note: settings.withholding.restores ? restorableNote : placeholderNote,
    countText: (text) => input.counter.countText(text),
  };
  const selected = strategy.select(view);
  const selection = hidden ? { ...selected, history: await hidden.stored(selected.history) } : selected;
  const { owner, credential } = request.principal;
  const recall = strategy.recalls
    ? await recallForTurn(
        { ports, cache, shelf },
        { owner, credential, held: held && { session: held, kept }, view, selection, hidden },
      )
    : undefined;
  return describePlan({
    input,
    view,
    selection,
    reconciled,
    held,
    kept,
    repeated,
    fresh,
    recall,
    strategy: strategyName,
  });
}

function readFresh(
  { incoming, hidden, counter }: TurnInput,
  { freshFrom }: Reconciled,
): Awaitable<readonly FreshMessage[]> {
  const fresh = incoming.slice(freshFrom);
  return hidden ? hidden.fresh(fresh) : countMessages(fresh, counter);
}
