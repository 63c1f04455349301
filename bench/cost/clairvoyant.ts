import { CLOSING_TOKENS } from "../../src/history/history-strategy.ts";
import { sumTokens } from "../../src/history/prompt-size.ts";
import { inputCost, replayCachedTokens } from "../../src/tokens/cost.ts";
import type { Conversation } from "../../src/turn/play-conversation.ts";
import { floorTurn } from "./fixed-strategies.ts";
import type { PriceProfile } from "./price-profiles.ts";

/**
 * The requests on which somebody who knew the whole conversation would cut down to the floor: a dynamic programme over
 * all cut times. It is the optimum among policies that cut to the floor, not among all there are.
 */
export function clairvoyantCuts(
  conversation: Conversation,
  profile: PriceProfile,
  floorTokens: number,
): ReadonlySet<number> {
  const costs = requestCosts(conversation, profile, floorTokens);
  const end = conversation.exchanges.length;
  /** Of the requests before `cut`, if one happens there; and where the one before it was. */
  const best = [{ usd: 0, before: -1 }];
  for (let cut = 1; cut <= end; cut += 1) best.push({ usd: Infinity, before: 0 });
  for (let cut = 0; cut < end; cut += 1) {
    let usd = best[cut]?.usd ?? Infinity;
    for (let request = cut; request < end; request += 1) {
      usd += costs(cut, request);
      if (usd < (best[request + 1]?.usd ?? 0)) best[request + 1] = { usd, before: cut };
    }
  }
  const cuts = new Set<number>();
  for (let cut = best[end]?.before ?? 0; cut > 0; cut = best[cut]?.before ?? 0) cuts.add(cut);
  return cuts;
}

/** USD of the prompt of a request whose context began with the last cut. */
function requestCosts({ system, envelopeTokens, exchanges }: Conversation, profile: PriceProfile, floorTokens: number) {
  const { price, promptCache } = profile;
  const front = envelopeTokens + sumTokens(system);
  const asked = exchanges.map(({ incoming }) => sumTokens(incoming));
  const turns = exchanges.map(({ answer }, index) => (asked[index] ?? 0) + (answer?.tokens ?? 0));
  const before = [0];
  for (const tokens of turns) before.push((before.at(-1) ?? 0) + tokens);
  const isWarm = (request: number): boolean =>
    request > 0 && (exchanges[request]?.at ?? 0) - (exchanges[request - 1]?.at ?? 0) <= promptCache.ttlSeconds * 1_000;
  const firstTurns = exchanges.map((_, cut) => floorTurn(turns.slice(0, cut), 0, floorTokens));
  return (cut: number, request: number): number => {
    const start = before[cut === 0 ? 0 : (firstTurns[cut] ?? 0)] ?? 0;
    const promptOf = (one: number): number => front + (before[one] ?? 0) - start + (asked[one] ?? 0);
    const shared = request > cut ? promptOf(request - 1) : front;
    const tokens = promptOf(request) + CLOSING_TOKENS;
    const cached = isWarm(request) ? replayCachedTokens(shared, promptCache) : 0;
    const written = price.cacheWrite === price.input ? 0 : tokens - cached;
    return inputCost(price, { tokens, cached, written });
  };
}
