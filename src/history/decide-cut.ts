import { capCut } from "./cap.ts";
import type { CutReason, Selection, Summary } from "./history-strategy.ts";
import { type CutOffer, carryingCost, isOverdue, pays, summaryCost, turnsUntilPays } from "./ledger.ts";
import { rereadFrontTokens } from "./prompt-size.ts";
import { type Situation, summaryTokens } from "./situation.ts";
import { summaryMessageBound } from "./summary-message.ts";
import type { Timeline } from "./timeline.ts";

export interface Decision {
  /** The first turn sent verbatim. */
  readonly first: number;
  readonly cut: CutReason | undefined;
  readonly ledger: number;
  readonly wantsSummary: Selection["wantsSummary"];
  readonly turnsToCut: number | undefined;
}

export function decideCut(situation: Situation): Decision {
  const decision = situation.view.knobs.exact ? cutExactly(situation) : cutWhenItPays(situation);
  return withinCap(situation, decision);
}

/**
 * A summary at hand is paid for, so that only the rewriting counts, and nothing is asked where no summary stands for
 * what was cut before: showing one rewrites the front anyway. Without one at hand a model is given until the next
 * request; a digest stands in where it failed, and in a cold cache, where waiting would write all of it anew.
 */
function cutWhenItPays(situation: Situation): Decision {
  const { view, rule, shelf, timeline, first, limit, lowWater, carrying } = situation;
  const cutAt = (turn: number): Decision => ({
    first: turn,
    cut: carrying.cold ? "cold" : "ledger",
    ledger: 0,
    wantsSummary: undefined,
    turnsToCut: undefined,
  });
  const ready = shelf.readyFor(first, limit, (turn) => timeline.mayCutAt(turn));
  if (ready && (!endsAtStart(situation) || pays(offerOf(situation, ready), carrying))) return cutAt(ready.toTurn);

  const offer = offerOf(situation, undefined);
  const due = pays(offer, carrying);
  const noModel = rule.summaryMode !== "model" || view.epoch.summaryFailed || isOverdue(offer, carrying);
  if ((due && (noModel || carrying.cold)) || (noModel && !isCovered(situation))) return cutAt(lowWater);
  const evictable = timeline.tokensFrom(first) - timeline.tokensFrom(lowWater);
  const ledger = carrying.ledger + carryingCost(evictable, carrying);
  return {
    first,
    cut: undefined,
    ledger,
    wantsSummary: due || !isCovered(situation) ? wantedSummary(situation, lowWater) : undefined,
    turnsToCut: turnsUntilPays(offerOf(situation, ready), { ...carrying, ledger }, meanTurnTokens(timeline)),
  };
}

export const meanTurnTokens = (timeline: Timeline): number => {
  const { start, end } = timeline;
  return end === start ? 0 : timeline.tokensFrom(start) / (end - start);
};

/** Whether all turns that are not sent have a summary, if there are any; where strategies were switched they may not. */
const isCovered = ({ rule, shelf, first }: Situation): boolean =>
  rule.summaryMode === "off" || first <= (shelf.shownAt(first)?.toTurn ?? 0);

/** Whether a summary ends where the turns begin: showing another one that is at hand would rewrite the front anyway. */
const endsAtStart = ({ shelf, first }: Situation): boolean => first === 0 || shelf.upTo(first)?.toTurn === first;

function wantedSummary({ rule, shelf }: Situation, toTurn: number): Selection["wantsSummary"] {
  const fromTurn = shelf.newest?.toTurn ?? 0;
  return rule.summaryMode === "model" && toTurn > fromTurn ? { fromTurn, toTurn } : undefined;
}

/** The cut at a summary at hand, or else the one down to the low water with what would have to be made for it. */
export function offerOf(situation: Situation, ready: Summary | undefined): CutOffer {
  const { view, rule, timeline, first, lowWater, carrying } = situation;
  const turn = ready?.toTurn ?? lowWater;
  const offer = {
    evictedTokens: timeline.tokensFrom(first) - timeline.tokensFrom(turn),
    keptTokens: timeline.tokensFrom(turn) + rereadFrontTokens(view),
  };
  if (ready) return { ...offer, summaryTokens: summaryTokens(view, ready), makingCost: 0 };
  if (rule.summaryMode === "off") return { ...offer, summaryTokens: 0, makingCost: 0 };
  const size = view.knobs.summaryTokens;
  if (rule.summaryMode === "extractive") return { ...offer, summaryTokens: size, makingCost: 0 };
  return { ...offer, summaryTokens: size, makingCost: summaryCost(modelWork(situation), carrying) };
}

function modelWork({ view, shelf, timeline, first, lowWater }: Situation) {
  const { newest } = shelf;
  const read = Math.max(first, Math.min(newest?.toTurn ?? 0, lowWater));
  return {
    summaryTokens: view.knobs.summaryTokens,
    previousTokens: newest ? view.knobs.summaryTokens : 0,
    unreadTokens: timeline.tokensFrom(read) - timeline.tokensFrom(lowWater),
  };
}

/** The counted turns, or more where they would part an atom. A model's summary is then due on every turn. */
function cutExactly(situation: Situation): Decision {
  const { view, rule, timeline, first } = situation;
  const turn = timeline.lastCut(first, timeline.end - rule.keepTurns);
  const next = Math.min(timeline.end, timeline.end + 1 - rule.keepTurns);
  const wanted = wantedSummary(situation, next);
  return {
    first: turn,
    cut: turn === view.epoch.firstTurn && isCovered(situation) ? undefined : "exact",
    ledger: 0,
    wantsSummary: wanted && next > turn ? { ...wanted, fromTurn: Math.max(wanted.fromTurn, turn) } : undefined,
    turnsToCut: undefined,
  };
}

function withinCap(situation: Situation, decision: Decision): Decision {
  const { view, rule, shelf, timeline, limit, lowWater, fixedTokens } = situation;
  const { maxTokens } = view.knobs;
  const bound = digestBound(situation);
  const fits = (turn: number, tokens: number): boolean => fixedTokens + tokens + timeline.tokensFrom(turn) <= maxTokens;
  const shown = shelf.shownAt(decision.first);
  const made = decision.cut !== undefined && (shown?.toTurn ?? 0) < decision.first;
  if (fits(decision.first, made ? bound : summaryTokens(view, shown))) return decision;

  const ready = shelf.readyFor(
    decision.first,
    limit,
    (turn) => timeline.mayCutAt(turn) && fits(turn, summaryTokens(view, shelf.upTo(turn))),
  );
  const from = decision.first;
  const turn =
    ready?.toTurn ??
    capCut({
      timeline,
      from,
      lowWater: Math.max(from, lowWater),
      promised: timeline.latestCut(from, timeline.end - rule.keepTurns),
      maxTokens,
      otherTokens: fixedTokens + bound,
    });
  return turn === from
    ? decision
    : { first: turn, cut: "cap", ledger: 0, wantsSummary: undefined, turnsToCut: undefined };
}

/** Room for a digest; none where it would take half of what the cap leaves: turns go before it there. */
function digestBound({ view, rule, fixedTokens }: Situation): number {
  if (rule.summaryMode === "off") return 0;
  const bound = summaryMessageBound(view.knobs.summaryTokens, (text) => view.countText(text));
  return bound * 2 <= view.knobs.maxTokens - fixedTokens ? bound : 0;
}
