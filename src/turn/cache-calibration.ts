import { hash } from "node:crypto";

import type { Economics, Selection } from "../history/history-strategy.ts";
import { sumTokens } from "../history/prompt-size.ts";
import { toBuffer } from "../kit/held-bytes.ts";
import type { BillingState, StableFront } from "../session/session-head.ts";

/** Weight of the newest observation: after ten misses in a row a tenth of the hits is still believed in. */
const NEWEST_WEIGHT = 0.2;
/** What is not seen for a while is doubted: a provider that cached nothing may do so again. */
const DOUBT_WEIGHT = 0.02;

/** How much of what our prompts should find cached this provider has lately read from its cache: 1 until seen otherwise. */
export const hitRateOf = (billing: BillingState | undefined, model: string): number =>
  billing?.model === model ? (billing.hitRate ?? 1) : 1;

/** A cached token costs what it does when it is found, and a write where it is not: r·h + w·(1 − h). */
export const calibrate = (economics: Economics, hitRate: number): Economics =>
  hitRate === 1
    ? economics
    : { ...economics, cachedRatio: economics.cachedRatio * hitRate + economics.writeRatio * (1 - hitRate) };

/** The share of the expected tokens that was cached; `undefined` where none were expected. */
export const observedHitRate = (expectedTokens: number, cachedTokens: number): number | undefined =>
  expectedTokens > 0 ? Math.min(1, cachedTokens / expectedTokens) : undefined;

export const nextHitRate = (hitRate: number, observed: number | undefined): number =>
  observed === undefined ? hitRate + DOUBT_WEIGHT * (1 - hitRate) : hitRate + NEWEST_WEIGHT * (observed - hitRate);

export function stableFront({ epoch, history, incoming }: Selection, frontTokens: number): StableFront {
  const first = history[0] ?? incoming[0];
  return {
    begins: `${epoch.number}.${epoch.firstTurn}.${first ? hash("sha256", toBuffer(first.bytes), "base64url") : ""}`,
    tokens: frontTokens + sumTokens(history),
  };
}

/**
 * Counted tokens that a prompt begins with as the one before did: after a cut, only what stands before the history;
 * after a rewind, only what is left of it.
 */
export function repeatedTokens(billing: BillingState | undefined, stable: StableFront, frontTokens: number): number {
  if (!billing?.stable || billing.frontTokens !== frontTokens) return 0;
  return billing.stable.begins === stable.begins ? Math.min(billing.stable.tokens, stable.tokens) : frontTokens;
}
