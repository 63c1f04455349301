import type { Economics } from "./history-strategy.ts";

/** What a cut would take away, leave and cost; all in tokens. */
export interface CutOffer {
  /** D: what would no longer be sent. */
  readonly evictedTokens: number;
  /** L: what stays and would have to be read anew, because it no longer stands behind the same front. */
  readonly keptTokens: number;
  /** s: the summary that takes the place of what was cut. */
  readonly summaryTokens: number;
  /** K: what making that summary costs, in tokens at the full input price; 0 for a digest, and for one at hand. */
  readonly makingCost: number;
}

export interface Carrying {
  readonly ledger: number;
  readonly cold: boolean;
  readonly economics: Economics;
}

/** What sending D once more costs: the cached price, or the price of a write where the cache has forgotten it. */
export const carryingCost = (evictedTokens: number, { cold, economics }: Carrying): number =>
  evictedTokens * (cold ? economics.writeRatio : economics.cachedRatio);

/**
 * Whether to cut now. This is ski rental: carrying D costs r·D on each request, a cut costs P = (w − r)(L + s) + K, and
 * who buys once the rent has reached the price pays at most twice the optimum. With turns of u tokens the ledger stands
 * at r·D² / 2u, so the rule fires at D* = √(2uP / r), which is the optimum (economic order quantity). In a cold cache
 * what stays is written anew either way: only K is left of the price.
 */
export function pays(offer: CutOffer, carrying: Carrying): boolean {
  if (offer.evictedTokens <= 0) return false;
  return carrying.ledger + carryingCost(offer.evictedTokens, carrying) >= cutPrice(offer, carrying);
}

/** P = (w − r)(L + s) + K; only K in a cold cache. */
export function cutPrice(offer: CutOffer, { cold, economics: { writeRatio, cachedRatio } }: Carrying): number {
  const rewriting = (writeRatio - cachedRatio) * (offer.keptTokens + offer.summaryTokens);
  return (cold ? 0 : rewriting) + offer.makingCost;
}

/** A summary mostly comes within a request or two; one that never comes must not let the context grow without end. */
const PATIENCE = 10;

/** Whether carrying has cost so much since a cut was first due that it goes ahead without what was asked for. */
export const isOverdue = (offer: CutOffer, carrying: Carrying): boolean =>
  offer.evictedTokens > 0 && carrying.ledger >= PATIENCE * cutPrice(offer, carrying);

/** Beyond so many turns a forecast says nothing. */
const HORIZON_TURNS = 60;

/**
 * After how many more turns of `turnTokens` each a cut will pay, if the conversation goes on as it did; `undefined`
 * when not within sight. For people: nothing is decided by it.
 */
export function turnsUntilPays(offer: CutOffer, carrying: Carrying, turnTokens: number): number | undefined {
  const price = cutPrice(offer, carrying);
  let { ledger } = carrying;
  for (let turns = 1; turns <= HORIZON_TURNS; turns += 1) {
    const evictedTokens = offer.evictedTokens + turns * turnTokens;
    ledger += carryingCost(evictedTokens, carrying);
    if (evictedTokens > 0 && ledger >= price) return turns;
  }
  return undefined;
}

export interface SummaryWork {
  readonly summaryTokens: number;
  /** Of the summary it builds on; 0 for a first one. */
  readonly previousTokens: number;
  /** Evicted tokens that no summary stands for yet. */
  readonly unreadTokens: number;
}

/**
 * K of a model's summary. It is written at the output price, and its prompt shares no front with the conversation: the
 * previous summary and the unread turns are read at the full price. Each turn is read once in its life whenever that
 * happens, so reading is a constant per turn: in a hot cache it has no say in *when*, and counting it would put D* off
 * (by 70 % at r = 0.1). In a cold cache the question is another one, whether to summarise now or carry on, and there
 * the reading counts.
 */
export function summaryCost(work: SummaryWork, { cold, economics }: Carrying): number {
  const fixed = work.summaryTokens * economics.outputRatio + work.previousTokens;
  return cold ? fixed + work.unreadTokens : fixed;
}
