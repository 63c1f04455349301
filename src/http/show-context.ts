import type { ContextReport, NextContext, Segment } from "../turn/explain-context.ts";

/** A report as the API shows it: turns count from 1, as in the list of messages, and ranges hold both ends. */
export function showContext(report: ContextReport) {
  const { head, strategy, next } = report;
  return {
    id: head.sessionId,
    object: "session.context",
    model: report.lastTurn?.model ?? null,
    strategy,
    turn_count: head.turns,
    last_request: showLast(report),
    next_request: next ? showNext(report, next) : null,
    ledger: next ? showLedger(report, next) : null,
    knobs: showKnobs(report),
  };
}

/** Turns are counted from 0 inside, their end is the first one that is not meant. */
const showRange = (from: number, to: number) => (to > from ? { from: from + 1, to } : null);

function showLast({ head, lastTurn }: ContextReport) {
  const { sent } = head;
  if (!sent || !lastTurn) return null;
  const turn = head.turns - 1;
  return {
    turn: turn + 1,
    strategy: sent.strategy,
    cut: sent.cut ?? null,
    message_count: sent.messages,
    placeholders: sent.placeholders,
    recall: sent.recall ?? null,
    tokens: sent.tokens,
    full_replay_tokens: sent.fullTokens,
    billed_tokens: lastTurn.usage?.promptTokens ?? null,
    cached_tokens: lastTurn.usage?.cachedTokens ?? null,
    verbatim_turns: showRange(sent.firstTurn, turn),
    dropped: sent.firstTurn === 0 ? null : { turns: showRange(0, sent.firstTurn), reason: sent.leftOutBy ?? null },
  };
}

function showNext({ head }: ContextReport, next: NextContext) {
  const inherited = head.sent?.firstTurn === next.firstTurn ? head.sent.leftOutBy : undefined;
  return {
    cut: next.cut ?? null,
    segments: next.segments.map(showSegment),
    envelope_tokens: next.envelopeTokens,
    tokens: next.tokens,
    verbatim_turns: showRange(next.firstTurn, head.turns),
    dropped:
      next.firstTurn === 0
        ? null
        : {
            turns: showRange(0, next.firstTurn),
            tokens: next.droppedTokens,
            reason: next.cut ?? inherited ?? null,
          },
  };
}

function showSegment({ kind, turns, by, messages }: Segment) {
  return {
    kind,
    turns: turns ? showRange(turns.from, turns.to) : null,
    ...(by && { by }),
    tokens: messages.reduce((sum, { tokens }) => sum + tokens, 0),
    placeholders: messages.reduce((sum, { placeholders }) => sum + placeholders, 0),
    messages: messages.map(({ agedFrom, ...message }) => ({
      ...message,
      ...(agedFrom !== undefined && { aged_from_tokens: agedFrom }),
    })),
  };
}

/** Prices are told in tokens at the full input price, and in USD where the model has one. */
function showLedger({ head, economics, price }: ContextReport, { forecast }: NextContext) {
  const usd = (tokens: number): number | null => (price ? tokens * price.input : null);
  return {
    epoch: head.epoch.number,
    first_turn: head.epoch.firstTurn + 1,
    carried: head.epoch.ledger,
    summary_failed: head.epoch.summaryFailed,
    cached_ratio: economics.cachedRatio,
    write_ratio: economics.writeRatio,
    compaction: forecast
      ? {
          cache: forecast.cold ? "cold" : "hot",
          evictable_tokens: forecast.evictedTokens,
          kept_tokens: forecast.keptTokens,
          summary_tokens: forecast.summaryTokens,
          price: forecast.price,
          price_usd: usd(forecast.price),
          carrying_cost: forecast.carryingCost,
          carrying_cost_usd: usd(forecast.carryingCost),
          turns_until_it_pays: forecast.turnsUntilItPays ?? null,
        }
      : null,
  };
}

const showKnobs = ({ knobs }: ContextReport) => ({
  window_turns: knobs.windowTurns,
  window_tokens: knobs.windowTokens,
  keep_turns: knobs.keepTurns,
  summary_keep_turns: knobs.summaryKeepTurns,
  floor_tokens: knobs.floorTokens,
  max_tokens: knobs.maxTokens,
  exact: knobs.exact,
  summary_mode: knobs.summaryMode,
  summary_tokens: knobs.summaryTokens,
  summary_role: knobs.summaryRole,
  aging: {
    enabled: knobs.aging.enabled,
    tool_results: knobs.aging.toolResults,
    images: knobs.aging.images,
    exclude_tools: knobs.aging.excludeTools,
  },
});
