import { meanTurnTokens, offerOf } from "./decide-cut.ts";
import type { CompactionRule, HistoryView } from "./history-strategy.ts";
import { type CutOffer, carryingCost, cutPrice, pays, turnsUntilPays } from "./ledger.ts";
import { type Situation, surveySituation } from "./situation.ts";

/** What the ledger weighs on a request, for people: nothing is decided by it. In tokens at the full input price. */
export interface CutForecast extends CutOffer {
  /** The provider's cache has forgotten the prompt: what stays is written anew whether a cut happens or not. */
  readonly cold: boolean;
  /** Carrying cost paid before this request. */
  readonly ledger: number;
  /** What sending the evictable turns costs on this request. */
  readonly carryingCost: number;
  /** P: what a cut costs now. */
  readonly price: number;
  /** After how many more turns like these a cut pays: 0 now, `undefined` when not within sight. */
  readonly turnsUntilItPays: number | undefined;
}

export function forecastCut(view: HistoryView, rule: CompactionRule): CutForecast {
  const situation = surveySituation(view, rule);
  const { shelf, timeline, first, limit, carrying } = situation;
  const offer = offerOf(
    situation,
    shelf.readyFor(first, limit, (turn) => timeline.mayCutAt(turn)),
  );
  return {
    ...offer,
    cold: carrying.cold,
    ledger: carrying.ledger,
    carryingCost: carryingCost(offer.evictedTokens, carrying),
    price: cutPrice(offer, carrying),
    turnsUntilItPays: turnsAhead(situation, offer),
  };
}

function turnsAhead({ timeline, carrying }: Situation, offer: CutOffer): number | undefined {
  if (pays(offer, carrying)) return 0;
  const ledger = carrying.ledger + carryingCost(offer.evictedTokens, carrying);
  return turnsUntilPays(offer, { ...carrying, ledger }, meanTurnTokens(timeline));
}
