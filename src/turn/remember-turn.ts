import { describeError } from "../errors/describe-error.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { Awaitable } from "../kit/awaitable.ts";
import { sliceFor } from "../kit/work-slices.ts";
import type { WithheldLookup } from "../redaction/restore-text.ts";
import type { SentContext } from "../session/session-head.ts";
import { bytesOfMessages, type StoredMessage } from "../session/turn-record.ts";
import type { DegradedReason } from "../telemetry/turn-meter.ts";
import type { TurnBill } from "./bill-turn.ts";
import type { OpenedSession } from "./opened-session.ts";
import type { TurnInput, TurnPlan } from "./plan-turn.ts";
import { type FreshRedaction, redactAnswers } from "./redact-exchange.ts";
import type { RelayResult } from "./relay-answer.ts";
import type { SessionBirth } from "./session-birth.ts";
import { storeTurn } from "./store-turn.ts";
import { titleOf } from "./title-of.ts";
import type { TurnDraft } from "./turn-draft.ts";
import type { TurnScope } from "./turn-scope.ts";

interface RememberParts {
  readonly input: TurnInput;
  readonly plan: TurnPlan;
  readonly relay: RelayResult;
  readonly bill: TurnBill;
  /** For a turn that begins its session: its key, or why there is none. */
  readonly birth: SessionBirth | GatewayError | undefined;
  readonly redacting: Awaitable<FreshRedaction | GatewayError>;
  /** What was put back into the answer for the client. */
  readonly restoring: WithheldLookup | undefined;
  readonly askedAt: number;
}

/** Whether a turn is in the store, and if not, why: neither reason nor error means that it was not meant to be. */
export interface Remembered {
  readonly session: OpenedSession | undefined;
  /** It is remembered, but the store could not be reached: it waits in this replica's outbox. */
  readonly deferred: boolean;
  /** What the client is told. */
  readonly degraded: DegradedReason | undefined;
  /** The store did not take it: nobody who counts on that is told that the answer has ended. */
  readonly lost: GatewayError | undefined;
}

export const notRemembered: Remembered = { session: undefined, deferred: false, degraded: undefined, lost: undefined };

export async function rememberTurn(scope: TurnScope, parts: RememberParts): Promise<Remembered> {
  const { ring, request, ref } = scope;
  const { relay, plan, birth } = parts;
  const fresh = parts.redacting instanceof Promise ? await parts.redacting : parts.redacting;
  if (!request.record) return notRemembered;
  if (!relay.answer || (relay.answer.choices.length === 0 && !relay.answer.complete)) {
    ring.failures.add(ref, scope.print.requestHash, "");
    return notRemembered;
  }
  const turnId = ring.newTurnId();
  try {
    if (fresh instanceof GatewayError) throw fresh;
    if (birth instanceof GatewayError) throw birth;
    // Answers come when they like, and what is sealed and stored now may be long.
    const bytes = bytesOfMessages(fresh.messages);
    const pause = sliceFor(bytes);
    if (pause) await pause;
    const redacting = redactAnswers(scope, parts);
    const answers = redacting instanceof Promise ? await redacting : redacting;
    const draft = draftTurn(scope, parts, { fresh, answers, turnId });
    const pauseAgain = sliceFor(bytes);
    if (pauseAgain) await pauseAgain;
    const startedAt = performance.now();
    const stored = await storeTurn(ring, { ref, snapshot: plan.session, birth, draft });
    ring.ports.meter.stage("append", performance.now() - startedAt);
    ring.failures.settle(ref, scope.print.requestHash);
    if (!stored) return degradedTo(scope, "session_removed");
    const { session, deferred } = stored;
    if (!plan.session) noteBeginning(scope, session);
    if (relay.answer.complete) ring.answers.keep(scope, turnId, relay);
    if (!deferred) return { ...notRemembered, session };
    return { ...degradedTo(scope, "append_deferred"), session, deferred };
  } catch (error) {
    const { reason, lost } = describeFailure(asFailure(error));
    ring.ports.log.error({ requestId: request.requestId, cause: describeError(error) }, "turn was not stored");
    ring.failures.add(ref, scope.print.requestHash, turnId);
    return { ...degradedTo(scope, reason), lost };
  }
}

/** Counted, and said with this answer and the session's next one. */
function degradedTo({ ring, ref }: TurnScope, reason: DegradedReason): Remembered {
  ring.ports.meter.degraded(reason);
  ring.flags.put(ref, reason);
  return { ...notRemembered, degraded: reason };
}

/** Of several first turns at once only one began the session. */
function noteBeginning({ ring, request: { visitor } }: TurnScope, { head }: OpenedSession): void {
  const { owner, address } = visitor;
  if (head.records === 1) ring.ports.audit.record({ event: "session_created", owner, address, reason: "turn" });
}

interface RedactedTurn {
  readonly fresh: FreshRedaction;
  readonly answers: readonly StoredMessage[];
  readonly turnId: string;
}

function draftTurn(
  scope: TurnScope,
  { plan, relay: { answer }, bill, askedAt }: RememberParts,
  { fresh, answers, turnId }: RedactedTurn,
): TurnDraft {
  const { ring, request } = scope;
  const { figures } = bill;
  return {
    sessionId: request.sessionId,
    binding: ring.door.bindingOf(scope.ref.key, request.visitor),
    title: plan.session?.head.title || titleOf(fresh.messages),
    habits: plan.habits,
    system: fresh.system,
    withheld: scope.notes.values,
    askedAt,
    billing: bill.billing,
    totals: {
      baselineTokens: figures.baselineTokens,
      sentTokens: figures.sentTokens,
      savedUsd: bill.savedUsd,
      wouldSaveUsd: bill.observed?.usd,
    },
    sent: sentContext(plan),
    epoch: {
      parent: plan.parentEpoch,
      state: plan.selection.epoch,
      cut: plan.selection.cut,
      after: lastTurnLeftOut(plan),
      carried: plan.carried,
      digest: plan.selection.digest,
    },
    record: {
      id: turnId,
      at: askedAt,
      status: answer?.complete ? "complete" : "incomplete",
      model: request.chat.model,
      rewindTo: plan.rewindTo,
      previousChoice: plan.previousChoice,
      messages: plan.repeated.concat(fresh.messages),
      answers,
      finishReasons: answer?.choices.map(({ finishReason }) => finishReason) ?? [],
      usage: answer?.usage,
      requestHash: scope.print.requestHash,
      idempotencyHash: scope.print.idempotencyHash,
    },
  };
}

function sentContext(plan: TurnPlan): SentContext {
  const { strategy, selection, session, context } = plan;
  const { firstTurn } = selection.epoch;
  const before = session?.head.sent;
  const inherited = firstTurn > 0 && before?.firstTurn === firstTurn ? before.leftOutBy : undefined;
  return {
    strategy,
    firstTurn,
    leftOutBy: selection.cut ?? inherited,
    cut: selection.cut,
    messages: context.length,
    placeholders: plan.redactions,
    recall: plan.recall && { outcome: plan.recall.outcome, tokens: plan.recall.tokens },
    tokens: plan.sentTokens,
    fullTokens: plan.fullTokens,
  };
}

const lastTurnLeftOut = ({ session, selection: { epoch } }: TurnPlan): string | undefined =>
  session?.active[epoch.firstTurn - 1 - session.front.turns]?.record.id;

const asFailure = (error: unknown): GatewayError =>
  error instanceof GatewayError ? error : new GatewayError("append_failed", "unexpected failure", { cause: error });

/** What could not be redacted or sealed is delivered all the same, flagged. */
function describeFailure(cause: GatewayError): { reason: DegradedReason; lost: GatewayError | undefined } {
  if (cause.code === "redaction_failed") return { reason: "redaction_failed", lost: undefined };
  if (cause.code === "record_unreadable") return { reason: "seal_failed", lost: undefined };
  return {
    reason: "append_failed",
    lost: new GatewayError("append_failed", "the turn could not be appended", { cause }),
  };
}
