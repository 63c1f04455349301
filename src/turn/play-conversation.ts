import {
  CLOSING_TOKENS,
  type EpochState,
  type HistoryKnobs,
  type HistoryMessage,
  type HistoryStrategy,
  type HistoryTurn,
  type HistoryView,
  type Selection,
  type Summary,
} from "../history/history-strategy.ts";
import type { SummaryJob, SummaryResult } from "../history/summariser.ts";
import { summaryReach } from "../history/summary-reach.ts";
import { appendTail } from "../history/tail-note.ts";
import type { BillingState, StableFront } from "../session/session-head.ts";
import type { TurnFigures } from "../telemetry/turn-meter.ts";
import { callCost } from "../tokens/cost.ts";
import type { ModelPrice, PriceList, PromptCache } from "../tokens/price-list.ts";
import { changeEpoch, freshEpoch } from "./advance-session.ts";
import { billTurn } from "./bill-turn.ts";
import { calibrate, hitRateOf, repeatedTokens, stableFront } from "./cache-calibration.ts";
import { economicsOf } from "./economics.ts";
import { createPromptCacheModel, type PromptCacheModel } from "./prompt-cache-model.ts";

/** One request of a conversation and what came of it. */
export interface Exchange {
  /** When it was asked, in milliseconds; never before the exchange in front of it. */
  readonly at: number;
  readonly incoming: readonly HistoryMessage[];
  /** `undefined` where the conversation ends with a question. */
  readonly answer: HistoryMessage | undefined;
}

export interface Conversation {
  readonly system: readonly HistoryMessage[];
  /** Tokens of each request besides its messages. */
  readonly envelopeTokens: number;
  readonly exchanges: readonly Exchange[];
}

export interface PlayOptions {
  readonly strategy: HistoryStrategy;
  /** With the cap that holds for the model. */
  readonly knobs: HistoryKnobs;
  readonly model: string;
  readonly prices: PriceList;
  readonly promptCache: PromptCache;
  readonly countText: (text: string) => number;
  /** What goes behind the newest message of a strategy that recalls. */
  readonly recall?: (moment: { readonly view: HistoryView; readonly selection: Selection }) => string | undefined;
  /** Stands in for the model that writes summaries; `undefined` where none comes. */
  readonly summarise: (job: SummaryJob) => SummaryResult | undefined;
}

export interface PlayedTurn {
  readonly figures: TurnFigures;
  readonly selection: Selection;
  /** The summary that upkeep made behind this turn. */
  readonly overhead: { readonly tokens: number; readonly usd: number | undefined } | undefined;
}

interface State {
  readonly epoch: EpochState;
  readonly summaries: readonly Summary[];
  readonly billing: BillingState | undefined;
  readonly lastAskedAt: number | undefined;
}

interface Moment {
  readonly conversation: Conversation;
  readonly exchange: Exchange;
  /** Before this exchange. */
  readonly turns: readonly HistoryTurn[];
  readonly keptTokens: number;
  readonly state: State;
}

const START: State = { epoch: freshEpoch, summaries: [], billing: undefined, lastAskedAt: undefined };

/**
 * Plays a conversation that took place, turn by turn, as the gateway would have handled it: its strategies, its ledger
 * and its bill, on a modelled prompt cache. No I/O; upkeep is done before the next request comes.
 */
export function* playConversation(conversation: Conversation, options: PlayOptions): Generator<PlayedTurn> {
  const cache = createPromptCacheModel(options.promptCache);
  const turns: HistoryTurn[] = [];
  let keptTokens = 0;
  let state = START;
  for (const exchange of conversation.exchanges) {
    const moment = { conversation, exchange, turns, keptTokens, state };
    const view = viewOf(moment, options);
    const selection = options.strategy.select(view);
    const { figures, billing } = billOf(moment, options, sentOf({ view, selection }, options, cache));
    const turn = turnOf(exchange);
    turns.push(turn);
    keptTokens += sum(turn.stored);
    const made = summaryAfter({ turns, selection, state }, options);
    state = { ...nextState(state, selection, made), billing, lastAskedAt: exchange.at };
    yield { figures, selection, overhead: made && overheadOf(made, options.prices) };
  }
}

function viewOf({ conversation, exchange, turns, state }: Moment, options: PlayOptions): HistoryView {
  const { model, prices, promptCache, knobs, countText } = options;
  return {
    system: conversation.system,
    turns,
    firstLoadedTurn: 0,
    incoming: exchange.incoming,
    summaries: state.summaries,
    epoch: state.epoch,
    envelopeTokens: conversation.envelopeTokens,
    now: exchange.at,
    lastAskedAt: state.lastAskedAt,
    economics: calibrate(economicsOf(prices.priceOf(model), promptCache.ttlSeconds), hitRateOf(state.billing, model)),
    knobs,
    // Nothing is redacted here.
    note: "",
    countText,
  };
}

interface SentPrompt {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly stable: StableFront;
}

function sentOf(
  { view, selection }: { readonly view: HistoryView; readonly selection: Selection },
  { strategy, recall }: PlayOptions,
  cache: PromptCacheModel,
): SentPrompt {
  const { envelopeTokens, now: at } = view;
  const recalled = strategy.recalls ? recall?.({ view, selection }) : undefined;
  const incoming = withTail(selection.incoming, recalled, view);
  const messages = [...view.system, ...selection.history, ...incoming];
  const cachedTokens = cache.cachedTokens({ envelopeTokens, messages, at });
  return {
    promptTokens: envelopeTokens + sum(messages) + CLOSING_TOKENS,
    cachedTokens,
    stable: stableFront(selection, envelopeTokens + sum(view.system)),
  };
}

function withTail(
  incoming: readonly HistoryMessage[],
  text: string | undefined,
  { countText }: HistoryView,
): readonly HistoryMessage[] {
  const newest = incoming.at(-1);
  return newest && text ? [...incoming.slice(0, -1), appendTail(newest, text, countText)] : incoming;
}

function billOf(moment: Moment, options: PlayOptions, { promptTokens, cachedTokens, stable }: SentPrompt) {
  const { conversation, exchange, turns, keptTokens, state } = moment;
  const { model, prices, promptCache } = options;
  const price = prices.priceOf(model);
  const frontTokens = conversation.envelopeTokens + sum(conversation.system);
  const completionTokens = exchange.answer?.tokens ?? 0;
  return billTurn({
    plan: {
      mode: turns.length === 0 ? "new" : "replay",
      strategy: options.strategy.name,
      session: { head: state },
      sentTokens: promptTokens,
      fullTokens: frontTokens + keptTokens + sum(exchange.incoming) + CLOSING_TOKENS,
      frontTokens,
      stable,
      repeatedTokens: repeatedTokens(state.billing, stable, frontTokens),
      keptTokens,
    },
    model,
    usage: {
      promptTokens,
      cachedTokens,
      cacheWriteTokens: billsWrites(price) ? promptTokens - cachedTokens : 0,
      completionTokens,
      textTokens: completionTokens,
    },
    price,
    promptCache,
    now: exchange.at,
  });
}

const sum = (messages: readonly HistoryMessage[]): number => messages.reduce((all, { tokens }) => all + tokens, 0);

const billsWrites = (price: ModelPrice | undefined): boolean => price !== undefined && price.cacheWrite !== price.input;

function turnOf({ incoming, answer }: Exchange): HistoryTurn {
  const messages = answer ? [...incoming, answer] : incoming;
  return { messages, stored: messages };
}

function summaryAfter(
  { turns, selection, state }: Pick<Moment, "turns" | "state"> & { readonly selection: Selection },
  { summarise, knobs }: PlayOptions,
): (SummaryResult & { readonly summary: Summary }) | undefined {
  const wanted = selection.wantsSummary;
  if (!wanted) return undefined;
  const { fromTurn } = wanted;
  const toTurn = fromTurn + summaryReach(turns.slice(fromTurn, wanted.toTurn).map(({ stored }) => stored));
  const previous = state.summaries.find((summary) => summary.toTurn === fromTurn);
  const told = turns.slice(fromTurn, toTurn);
  const result = summarise({ fromTurn, turns: told, previous, maxTokens: knobs.summaryTokens });
  return result && { ...result, summary: { fromTurn, toTurn, text: result.text, by: "model" } };
}

function nextState(
  { epoch, summaries }: State,
  selection: Selection,
  result: { readonly summary: Summary } | undefined,
): Pick<State, "epoch" | "summaries"> {
  const { cut, digest } = selection;
  const change = {
    parent: epoch.number,
    state: selection.epoch,
    carried: cut ? 0 : Math.max(0, selection.epoch.ledger - epoch.ledger),
    digest,
  };
  const next = changeEpoch({ epoch, summaries }, change, true);
  if (!selection.wantsSummary) return next;
  // As upkeep keeps it: an earlier one that was not used yet is what this one was built on.
  const before = next.summaries.filter(({ toTurn }) => result === undefined || toTurn < result.summary.toTurn);
  return {
    epoch: { ...next.epoch, summaryFailed: result === undefined },
    summaries: result ? [...before, result.summary] : before,
  };
}

function overheadOf(result: SummaryResult, prices: PriceList): { tokens: number; usd: number | undefined } {
  const price = prices.priceOf(result.model);
  return {
    tokens: result.promptTokens + result.completionTokens,
    usd: price && callCost(price, { ...result, cacheWriteTokens: 0 }),
  };
}
