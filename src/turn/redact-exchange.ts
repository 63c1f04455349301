import { GatewayError } from "../errors/gateway-error.ts";
import { type Awaitable, andThen, recover } from "../kit/awaitable.ts";
import { mapInSlices, sliceFor } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { restoreMessage } from "../redaction/restore-answer.ts";
import type { WithheldLookup } from "../redaction/restore-text.ts";
import { bytesOfMessages, type StoredMessage } from "../session/turn-record.ts";
import { clearForm } from "./hide-request.ts";
import type { TurnInput, TurnPlan } from "./plan-turn.ts";
import { hashSystem, splitConversation } from "./read-conversation.ts";
import { type ClearMessage, redactMessages, type RedactionParts } from "./redact-turn.ts";
import type { RelayResult } from "./relay-answer.ts";
import type { TurnDraft } from "./turn-draft.ts";
import type { TurnScope } from "./turn-scope.ts";

/** What the client said, as it is stored. */
export interface FreshRedaction {
  readonly messages: readonly StoredMessage[];
  readonly system: TurnDraft["system"];
}

const partsOf = ({ ring, notes }: TurnScope, { counter }: TurnInput): RedactionParts => ({
  redactor: ring.ports.redactor,
  name: notes.name,
  counter,
  fingerprint: ring.fingerprint,
});

/** Neither throws nor rejects: a failure is handed on to where the turn would be stored. */
export function redactFresh(
  scope: TurnScope,
  { input, plan }: { input: TurnInput; plan: TurnPlan },
): Awaitable<FreshRedaction | GatewayError> {
  const parts = partsOf(scope, input);
  return recover<FreshRedaction | GatewayError>(
    () =>
      andThen(sliceFor(bytesOfMessages(plan.fresh)), () =>
        andThen(redactIncoming(scope, parts, plan), (messages) =>
          andThen(redactSystem(scope, { parts, plan, input }), (system) => ({ messages, system })),
        ),
      ),
    asRedactionFailure,
  );
}

const asRedactionFailure = (error: unknown): GatewayError =>
  error instanceof GatewayError ? error : new GatewayError("redaction_failed", "unexpected failure", { cause: error });

function redactIncoming(
  { ring }: TurnScope,
  parts: RedactionParts,
  { fresh }: TurnPlan,
): Awaitable<readonly StoredMessage[]> {
  const hidden = fresh.map(({ stored }) => stored).filter((stored) => stored !== undefined);
  if (hidden.length === fresh.length) return hidden;
  const clear = fresh.map((message) => ({ ...clearForm(message), tokens: message.sent.tokens }));
  return andThen(redactMessages(parts, clear), ({ messages, counts }) => {
    ring.ports.meter.redactions(counts);
    return messages;
  });
}

function redactSystem(
  { ring, request }: TurnScope,
  { parts, plan, input }: { parts: RedactionParts; plan: TurnPlan; input: TurnInput },
): Awaitable<TurnDraft["system"]> {
  const { system } = splitConversation(request.chat.messages);
  if (system.length === 0) return undefined;
  const systemHash = hashSystem(system);
  if (systemHash === plan.session?.head.systemHash) return undefined;
  if (input.hidden) return { hash: systemHash, messages: input.hidden.system };
  const clear = mapInSlices(system, {
    bytesOf: ({ bytes }) => bytes.length,
    map: ({ message, bytes }): ClearMessage => ({
      message,
      bytes,
      fingerprint: ring.fingerprint(message),
      tokens: undefined,
    }),
  });
  return andThen(clear, (all) =>
    andThen(redactMessages(parts, all), ({ messages }) => ({ hash: systemHash, messages })),
  );
}

interface AnswersParts {
  readonly input: TurnInput;
  readonly relay: RelayResult;
  /** What was put back into the answer for the client. */
  readonly restoring: WithheldLookup | undefined;
}

/** @throws GatewayError `redaction_failed` */
export function redactAnswers(
  scope: TurnScope,
  { input, relay, restoring }: AnswersParts,
): Awaitable<readonly StoredMessage[]> {
  const { meter } = scope.ring.ports;
  const startedAt = performance.now();
  const clear = (relay.answer?.choices ?? []).map(({ message }) => clearAnswer(scope, { relay, message, restoring }));
  return recover(
    () =>
      andThen(redactMessages(partsOf(scope, input), clear), ({ messages, counts }) => {
        meter.redactions(counts);
        meter.stage("redact", performance.now() - startedAt);
        return messages;
      }),
    (error) => Promise.reject(asRedactionFailure(error)),
  );
}

/** Framing of one message in a prompt, its role included (OpenAI cookbook). */
const FRAMING_TOKENS = 4;

interface AnswerParts {
  readonly relay: RelayResult;
  readonly message: ChatMessage;
  readonly restoring: WithheldLookup | undefined;
}

function clearAnswer(
  { ring, request }: TurnScope,
  { relay: { answer }, message, restoring }: AnswerParts,
): ClearMessage {
  // A plain answer's size is on the bill; only what the bill mixes with other things is counted here.
  const isPlain = request.chat.choices === 1 && typeof message.content === "string" && !message.tool_calls;
  const billed = answer?.complete && isPlain ? answer.usage?.textTokens : undefined;
  const seen = restoring ? restoreMessage(message, restoring) : message;
  return {
    message,
    bytes: undefined,
    fingerprint: ring.fingerprint(seen),
    isRestored: seen !== message,
    tokens: billed === undefined ? undefined : billed + FRAMING_TOKENS,
  };
}
