import type { TurnBill } from "./bill-turn.ts";
import type { TurnPlan } from "./plan-turn.ts";
import type { RelayResult } from "./relay-answer.ts";
import type { Remembered } from "./remember-turn.ts";
import type { TurnPorts } from "./turn-ports.ts";
import type { TurnRequest } from "./turn-request.ts";

export interface FinishedTurn {
  readonly request: TurnRequest;
  readonly plan: TurnPlan;
  readonly relay: RelayResult;
  readonly bill: TurnBill;
  readonly stored: Remembered;
  /** Our own time: before asking and after the answer, without the upstream's. */
  readonly overheadMs: number;
  readonly durationMs: number;
}

/** Reports a turn. What the provider did not answer is not billed, so it saves and costs nothing. */
export function measureTurn(ports: TurnPorts, turn: FinishedTurn): void {
  const { request, plan, relay, bill, overheadMs, durationMs } = turn;
  const { meter } = ports;
  meter.stage("total", overheadMs);
  meter.upstream({
    model: request.chat.model,
    status: relay.status,
    durationMs,
    firstByteMs: relay.form === "stream" ? relay.firstByteMs : undefined,
  });
  if (!relay.answer) return;
  meter.turn(bill.figures);
  if (bill.observed) meter.observed({ ...bill.figures, ...bill.observed });
  else if (plan.selection.cut) meter.compaction(plan.selection.cut, plan.keepTurns - plan.selection.epoch.firstTurn);
  if (plan.recall) meter.recall(plan.recall.outcome);
  if (!ports.counters.exact) meter.degraded("tokens_estimated");
  ports.onTurn(reportOf(turn));
}

function reportOf({ request, plan, bill, stored, overheadMs }: FinishedTurn) {
  const { figures, observed } = bill;
  const totals = stored.session?.head.totals;
  const wouldSend = figures.sentTokens - (observed?.tokens ?? 0);
  return {
    sessionId: request.sessionId,
    turn: (plan.session?.head.turns ?? 0) + 1,
    mode: plan.mode,
    sentTokens: wouldSend,
    baselineTokens: figures.baselineTokens,
    savedUsd: figures.usd && (observed ? observed.usd : bill.savedUsd),
    totalSavedUsd: figures.usd && (observed ? totals?.wouldSaveUsd : totals?.savedUsd),
    observed: observed !== undefined,
    overheadMs,
    hint: figures.baselineTokens > wouldSend ? undefined : hintOf(plan),
  };
}

/** Why a turn saved nothing: the first thing a new user asks. */
function hintOf({ mode, selection, strategy }: TurnPlan): string {
  if (strategy === "full") return "strategy full sends everything";
  if (mode === "new") return "first turn of the session";
  if (selection.wantsSummary) return "compacts when its summary is ready";
  const turns = selection.turnsToCut;
  return turns === undefined ? "cheaper to keep than to cut" : `compacts in ~${turns} turn${turns === 1 ? "" : "s"}`;
}
