import { hash } from "node:crypto";
import type { ServerResponse } from "node:http";

import { GatewayError, hasCode } from "../errors/gateway-error.ts";
import { type Awaitable, andThen } from "../kit/awaitable.ts";
import { sliceFor } from "../kit/work-slices.ts";
import { nothingWithheld, type Withheld } from "../session/withheld.ts";
import { mayRetry } from "./answer-cache.ts";
import { answerHidden } from "./answer-hidden.ts";
import { billObserved } from "./bill-observed.ts";
import { billTurn } from "./bill-turn.ts";
import { answerTokens } from "./billed-tokens.ts";
import { hintedMembers, withBreakpoint } from "./cache-hints.ts";
import { findRepeat, type Repeat } from "./find-repeat.ts";
import { finishAnswer } from "./finish-answer.ts";
import { hiddenBody, hideRequest, hidingRedactor } from "./hide-request.ts";
import { measureTurn } from "./measure-turn.ts";
import { noteUnreadable } from "./note-unreadable.ts";
import type { OpenedSession } from "./opened-session.ts";
import { passThroughWith } from "./pass-through.ts";
import { planTurn, type TurnInput, type TurnPlan } from "./plan-turn.ts";
import { readConversation, splitConversation } from "./read-conversation.ts";
import { redactFresh } from "./redact-exchange.ts";
import { relayAnswer } from "./relay-answer.ts";
import { rememberTurn } from "./remember-turn.ts";
import { type AnsweredBefore, answerAgain } from "./repeat-answer.ts";
import { beginSession, type SessionBirth } from "./session-birth.ts";
import type { SessionPlace } from "./session-links.ts";
import { spliceBody } from "./splice-body.ts";
import { nextFields } from "./store-turn.ts";
import { withTicket } from "./ticket.ts";
import { turnHeaders } from "./turn-headers.ts";
import type { TurnRequest } from "./turn-request.ts";
import type { TurnRing } from "./turn-ring.ts";
import type { TurnExchange, TurnScope } from "./turn-scope.ts";
import { createWithheldNotes } from "./withheld-notes.ts";

/**
 * One chat completion on a session: load, reconcile, plan, splice, ask, relay, remember, finish, measure.
 * Resolves when the client has its answer and upkeep is on its way.
 *
 * @throws GatewayError while nothing has been sent to the client yet
 */
export function runTurn(ring: TurnRing, request: TurnRequest, client: ServerResponse): Promise<void> {
  const { limiter } = ring.ports;
  const { principal } = request;
  return withTicket({ limiter, principal, client }, (ticket) => runAdmitted({ ring, request, client, ticket }));
}

function runAdmitted(exchange: TurnExchange): Promise<void> {
  const { ring, request } = exchange;
  const place = ring.links.locate(request.principal.owner, request.sessionId);
  if (!(place instanceof Promise)) return runAt(exchange, place);
  return place.then(
    (linked) => runAt(exchange, linked),
    (error: unknown) => forwardUnread(exchange, error),
  );
}

function runAt(exchange: TurnExchange, place: SessionPlace): Promise<void> {
  const scope = scopeOf(exchange, place);
  return exchange.ring.gate.enter(scope.print, () => runInside(scope));
}

async function runInside(scope: TurnScope): Promise<void> {
  let prepared: PreparedTurn | AnsweredBefore;
  try {
    prepared = await prepareTurn(scope);
  } catch (error) {
    return forwardUnread(scope, error);
  }
  const { admitted } = scope.ticket;
  if (admitted instanceof Promise) await admitted;
  const pause = sliceFor(scope.request.chat.body.length);
  if (pause) await pause;
  if ("answered" in prepared) {
    // What was answered once is not for a key that has been revoked since.
    await scope.request.verifyCaller();
    return answerAgain(scope, prepared);
  }
  await takeTurn(scope, prepared);
}

interface PreparedTurn {
  readonly input: TurnInput;
  readonly plan: TurnPlan;
  readonly birth: SessionBirth | GatewayError | undefined;
}

/** Where the store could not be read for a turn: what can do without is answered without. @throws any other failure */
function forwardUnread(exchange: TurnExchange, error: unknown): Promise<void> {
  const { ring, request } = exchange;
  if (!hasCode(error, "store_unavailable")) throw error;
  ring.ports.meter.degraded("load_failed");
  const canDoWithout = ring.ports.settings.observes || carriesHistory(request);
  if (!canDoWithout || request.principal.anonymous) throw error;
  return forwardWithoutHistory(exchange);
}

/** Everything that is read of the store for a turn is read in here. */
async function prepareTurn(scope: TurnScope): Promise<PreparedTurn | AnsweredBefore> {
  const { door, ports } = scope.ring;
  const loadedFrom = performance.now();
  const snapshot = await door.open(scope.place, scope.request);
  ports.meter.stage("load", performance.now() - loadedFrom);
  if (!snapshot && scope.request.principal.anonymous && !scope.request.minted) {
    throw new GatewayError("session_not_found", "an anonymous caller named a session himself");
  }
  const repeat = findRepeat(snapshot, { ...scope.print, failedTurn: failedTurn(scope) });
  if (snapshot && repeat?.kind === "answered") return { session: snapshot, answered: repeat.turn };
  const reading = readInput(scope, repeat, snapshot);
  const input = reading instanceof Promise ? await reading : reading;
  const birth = snapshot || !scope.request.record ? undefined : await beginIfAllowed(scope);
  const startedAt = performance.now();
  const plan = await planTurn(scope.ring, { input, snapshot });
  ports.meter.stage("plan", performance.now() - startedAt);
  return { input, plan, birth };
}

async function beginIfAllowed(scope: TurnScope): Promise<SessionBirth | GatewayError> {
  const { limiter } = scope.ring.ports;
  const allowed = limiter.mayCreateSession(scope.request.principal);
  const [birth] = await Promise.all([beginOrExcuse(scope), allowed]);
  return birth;
}

/** What cannot be sealed is answered all the same, and said not to be remembered. */
async function beginOrExcuse({ ring: { ports }, ref }: TurnScope): Promise<SessionBirth | GatewayError> {
  try {
    return await beginSession(ports, ref).catch(noteUnreadable(ports.audit, ref.owner));
  } catch (error) {
    if (!hasCode(error, "record_unreadable")) throw error;
    return error;
  }
}

async function takeTurn(scope: TurnScope, { input, plan, birth }: PreparedTurn): Promise<void> {
  const { ring, request, client, ticket, ref } = scope;
  const { ports } = ring;
  const { settings } = ports;
  const askedAt = ports.clock();
  const expiresAt = expiryAfter(scope, plan, askedAt);
  const headers = turnHeaders({
    sessionId: plan.session?.head.sessionId ?? request.sessionId,
    plan,
    observes: settings.observes,
    expiresAt,
    degraded: ring.flags.take(ref),
  });
  const restoring = restorable(scope, plan);
  const ownBefore = performance.now() - request.startedAt;
  const relaying = relayAnswer({
    upstream: ports.upstream,
    request: {
      method: "POST",
      path: request.path,
      headers: input.hidden?.headers ?? request.headers,
      body: settings.observes ? [request.chat.body] : bodyOf(scope, input, plan),
    },
    client,
    headers,
    expectedChoices: request.chat.choices,
    clientWantsUsage: request.chat.includeUsage || settings.observes,
    keepReasoning: settings.keepReasoning,
    keepBytes: mayRetry(scope.print),
    restoring,
    onDisconnect: settings.onDisconnect,
  });
  // While the model thinks, what the client said is made ready to be stored.
  const redacting = redactFresh(scope, { input, plan });
  const relay = await relaying;
  const answeredAt = performance.now();
  const bill = (settings.observes ? billObserved : billTurn)({
    plan,
    model: request.chat.model,
    usage: relay.answer?.usage,
    price: input.price,
    promptCache: settings.promptCache,
    now: askedAt,
  });
  if (relay.answer) {
    const tokens = answerTokens(relay.answer, bill.figures.sentTokens, input.counter);
    ticket.bill(typeof tokens === "number" ? tokens : await tokens);
  }
  const stored = await rememberTurn(scope, { input, plan, relay, bill, birth, redacting, restoring, askedAt });
  finishAnswer({ client, relay, headers, stored, mustBeStored: !settings.observes });
  const overheadMs = ownBefore + (performance.now() - answeredAt);
  const durationMs = answeredAt - request.startedAt - ownBefore;
  measureTurn(ports, { request, plan, relay, bill, stored, overheadMs, durationMs });
  // A summary cannot wait in the outbox: the next turn wishes for it again.
  ring.upkeep.after({ request, plan, session: stored.deferred ? undefined : stored.session });
  if (plan.session && plan.recall) ring.recall.follow({ session: plan.session, kept: plan.kept });
  ring.embedding.after({ request, plan });
}

/** A provider that is to know as little as can be is told no session either. */
function bodyOf({ ring, request, ref }: TurnScope, { hidden }: TurnInput, plan: TurnPlan): readonly Buffer[] {
  const messages = plan.context.map(({ bytes }) => bytes);
  const changed = plan.changed ? messages : undefined;
  if (hidden) {
    const isSame = hidden.isSame && !plan.changed;
    return isSame ? spliceBody(request.chat, changed) : hiddenBody(request, hidden.fields, messages);
  }
  const { keyedHash, settings } = ring.ports;
  const added = hintedMembers(settings.cacheHints, request.chat, () => keyedHash.hash("prompt-cache", ref.key));
  return spliceBody(request.chat, withBreakpoint(settings.cacheHints, request.chat, plan) ?? changed, added);
}

/**
 * What may be put back into the answer, settled before it is asked for: what the session holds, and what this request
 * hides. Where nothing is hidden from the model it knows no placeholder but those of earlier turns.
 */
function restorable({ ring, notes }: TurnScope, { session }: TurnPlan): Withheld | undefined {
  const { observes, withholding } = ring.ports.settings;
  const { fromUpstream, restores } = withholding;
  if (!restores || observes) return undefined;
  const held = session?.withheld ?? nothingWithheld;
  return fromUpstream && notes.values.size > 0 ? new Map([...notes.values, ...held]) : held;
}

function scopeOf({ ring, request, client, ticket }: TurnExchange, place: SessionPlace): TurnScope {
  const { keyedHash, placeholders, settings } = ring.ports;
  const { key } = place.ref;
  return {
    ring,
    request,
    client,
    ticket,
    place,
    ref: place.ref,
    notes: createWithheldNotes(placeholders(key), settings.withholding.restores),
    print: {
      sessionKey: key,
      requestHash: hash("sha256", request.chat.body, "base64url"),
      idempotencyHash:
        request.idempotencyKey === undefined ? undefined : keyedHash.hash("cache-key", key, request.idempotencyKey),
      tries: request.tries,
    },
  };
}

/** A client that brings its history loses nothing when ours cannot be read; any other would start a new conversation. */
const carriesHistory = ({ mode, chat }: TurnRequest): boolean =>
  mode === "replay" || chat.messages.some(({ message }) => message.role === "assistant");

async function forwardWithoutHistory({ ring, request, client, ticket }: TurnExchange): Promise<void> {
  const redactor = hidingRedactor(ring.ports);
  const headers = {
    "x-session-id": request.sessionId,
    "x-history-mode": "stateless",
    "x-session-degraded": "load_failed",
  };
  if (redactor) return answerHidden({ ...request, ring, client, ticket }, { redactor, headers });
  await passThroughWith(ticket, {
    upstream: ring.ports.upstream,
    request: { method: "POST", path: request.path, headers: request.headers, body: [request.chat.body] },
    client,
    headers,
  });
}

const failedTurn = ({ ring, ref, print }: TurnScope): string | undefined => ring.failures.find(ref, print.requestHash);

function readInput(scope: TurnScope, repeat: Repeat, snapshot: OpenedSession | undefined): Awaitable<TurnInput> {
  const { ring, request } = scope;
  const { ports, fingerprint, countCache } = ring;
  const { model, messages } = request.chat;
  const counter = ports.counters.forModel(model);
  const { system, rest } = splitConversation(messages);
  const redactor = hidingRedactor(ports);
  const hiding = redactor && hideRequest(scope, { redactor, counter, snapshot });
  const countedSystem = (hidden: TurnInput["hidden"]): Awaitable<TurnInput["system"]> =>
    andThen(
      countCache.countAhead(hidden ? [] : system, request.chat, counter),
      () => hidden?.system ?? countCache.systemMessages(system, counter),
    );
  return andThen(hiding, (hidden) =>
    andThen(countedSystem(hidden), (counted) =>
      andThen(readConversation(rest, fingerprint), (incoming) => ({
        request,
        counter,
        price: ports.prices.priceOf(model),
        system: counted,
        hidden,
        incoming,
        envelopeTokens: countCache.envelopeTokens(request.chat, counter),
        replaces: repeat?.kind === "unfinished" ? repeat.keepTurns : undefined,
      })),
    ),
  );
}

/** A turn that is not recorded gives its session no longer life, and a session that was never written has none. */
function expiryAfter(
  { ring: { ports }, ref, request }: TurnScope,
  { session }: TurnPlan,
  now: number,
): number | undefined {
  if (!request.record) return session?.fields.expiresAt;
  const head = { createdAt: session?.head.createdAt ?? now };
  return nextFields(ports, { ref, head, loadFrom: 0 }).expiresAt;
}
