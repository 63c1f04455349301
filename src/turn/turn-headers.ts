import type { DegradedReason } from "../telemetry/turn-meter.ts";
import type { TurnPlan } from "./plan-turn.ts";

interface TurnHeaderParts {
  readonly sessionId: string;
  readonly plan: TurnPlan;
  readonly observes: boolean;
  readonly expiresAt: number | undefined;
  /** From this session's last answer, when it was known too late for that answer's head. */
  readonly degraded: DegradedReason | undefined;
}

/** What a turn says about itself before its answer is known. */
export function turnHeaders({
  sessionId,
  plan,
  observes,
  expiresAt,
  degraded,
}: TurnHeaderParts): Record<string, string> {
  const stored = plan.session?.head.messages ?? 0;
  return {
    "x-session-id": sessionId,
    "x-session-turn": String((plan.session?.head.turns ?? 0) + 1),
    ...(expiresAt !== undefined && { "x-session-expires": new Date(expiresAt).toISOString() }),
    "x-history-mode": observes ? "observe" : plan.mode,
    "x-history-strategy": plan.strategy,
    "x-history-messages": `${plan.selection.history.length}/${stored}`,
    "x-tokens-saved": String((observes ? plan.originalTokens : plan.fullTokens) - plan.sentTokens),
    // An observed request is sent as it came: the model sees no placeholder of ours.
    ...(plan.redactions > 0 && !observes && { "x-redactions-in-context": String(plan.redactions) }),
    ...(degraded && { "x-session-degraded": degraded }),
  };
}
