import type { IncomingMessage, ServerResponse } from "node:http";

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";

import type { Identity, Principal } from "../../identity/principal.ts";
import { type ChatRequest, parseInSlices } from "../../protocol/chat-request.ts";
import { mintSessionId, requestedSession } from "../../session/session-id.ts";
import { answerHidden } from "../../turn/answer-hidden.ts";
import { hidingRedactor } from "../../turn/hide-request.ts";
import { passThroughWith } from "../../turn/pass-through.ts";
import { runTurn } from "../../turn/run-turn.ts";
import { visitorOf } from "../../turn/session-visitor.ts";
import { withTicket } from "../../turn/ticket.ts";
import type { TurnRing } from "../../turn/turn-ring.ts";
import { errorAnswer } from "../error-response.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { knownPrincipal } from "../known-principal.ts";
import { readBody } from "../read-body.ts";
import { namedSession, sessionHeader } from "../session-name.ts";
import { parseTurnHeaders, type TurnDirections } from "../turn-headers.ts";
import { upstreamPath } from "../upstream-path.ts";

export interface ChatRouteParts {
  readonly ring: TurnRing;
  readonly identity: Identity;
  readonly settings: HttpSettings;
}

/** Answers on the raw request and response: a web stream in between would cost more than the turn itself. Never rejects. */
export type ChatHandler = (exchange: RawExchange) => Promise<void>;

/** The main job. */
export function createChatHandler(parts: ChatRouteParts): ChatHandler {
  const { log } = parts.ring.ports;
  return (exchange) =>
    answerChat(parts, exchange).catch((error: unknown) => {
      const { outgoing, requestId } = exchange;
      // Once a head is out there is nobody left to tell but the log.
      if (outgoing.headersSent) outgoing.destroy();
      const answer = errorAnswer(error, requestId, log);
      if (!outgoing.headersSent) outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    });
}

export function chatCompletions(answer: ChatHandler): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.post("/", async ({ env, var: { requestId } }) => {
    await answer({ ...env, requestId, startedAt: performance.now() });
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}

export interface RawExchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly startedAt: number;
}

async function answerChat(parts: ChatRouteParts, exchange: RawExchange): Promise<void> {
  const { ring, identity, settings } = parts;
  const { incoming, outgoing, requestId, startedAt } = exchange;
  const directions = parseTurnHeaders(incoming.headers);
  const body = await readBody(incoming, settings.maxBodyBytes);
  const isPlain = isStateless(exchange, settings, directions);
  const mustRead = settings.sharedRoutes !== undefined || hidingRedactor(ring.ports) !== undefined;
  // The body of a plain request is its upstream's business, unless it would leave something in a shared account, or
  // personal data with a provider that is to see none.
  if (isPlain && !mustRead) return answerStateless(parts, exchange, { body });
  const parsing = parseInSlices(body, ring.ports.settings.limits);
  const chat = parsing instanceof Promise ? await parsing : parsing;
  const name = isPlain ? undefined : namedSession(incoming, chat, settings.sessionAliases);
  if (name === undefined && !settings.sharedRoutes) return answerStateless(parts, exchange, { body, chat });
  const caller = settings.caller(incoming);
  const { idFormat } = ring.ports.settings;
  const asked = name === undefined ? undefined : requestedSession(name, idFormat);
  const hints = { userFromBody: bodyUser(chat.fields), sessionId: asked?.sessionId };
  const resolved = identity.resolve(caller, hints);
  const principal = resolved instanceof Promise ? await resolved : resolved;
  const visitor = visitorOf(principal, caller);
  settings.sharedRoutes?.checkChat(chat, visitor);
  if (asked === undefined) return answerStateless(parts, exchange, { body, chat, principal });
  const { mode, ...rest } = directions;
  const entropy = asked.minted ? retriedEntropy(ring, principal, directions) : undefined;
  await runTurn(
    ring,
    {
      ...rest,
      mode: mode === "off" ? "auto" : mode,
      requestId,
      startedAt,
      chat,
      path: upstreamPath(incoming),
      headers: incoming.headers,
      principal,
      visitor,
      verifyCaller: () => identity.verify(principal, caller),
      sessionId: entropy ? mintSessionId(idFormat, entropy) : asked.sessionId,
      minted: asked.minted,
    },
    outgoing,
  );
}

/** Without a session nothing is read of a request: the body goes on as it came. */
const isStateless = ({ incoming }: RawExchange, settings: HttpSettings, { mode }: TurnDirections): boolean =>
  mode === "off" || (sessionHeader(incoming) === undefined && settings.sessionAliases.length === 0);

interface PlainRequest {
  readonly body: Buffer;
  /** Where it had to be read. */
  readonly chat?: ChatRequest;
  /** Where it is known already. */
  readonly principal?: Principal;
}

async function answerStateless(
  { ring, identity, settings }: ChatRouteParts,
  { incoming, outgoing: client }: RawExchange,
  request: PlainRequest,
): Promise<void> {
  const { limiter, upstream } = ring.ports;
  const { body, chat } = request;
  const principal = request.principal ?? (await knownPrincipal(identity, settings.caller(incoming)));
  const redactor = hidingRedactor(ring.ports);
  const path = upstreamPath(incoming);
  const { headers } = incoming;
  await withTicket({ limiter, principal, client }, (ticket) =>
    chat && redactor
      ? answerHidden({ ring, chat, path, headers, client, ticket }, { redactor, headers: statelessHeaders })
      : passThroughWith(ticket, {
          upstream,
          request: { method: "POST", path, headers, body: [body] },
          client,
          headers: statelessHeaders,
        }),
  );
}

const statelessHeaders = { "x-history-mode": "stateless" } as const;

/** A new session's name follows from the key that names its first request: a retry must find the session it made. */
function retriedEntropy({ ports }: TurnRing, { owner, anonymous }: Principal, { idempotencyKey }: TurnDirections) {
  // An anonymous caller has no name yet that could tell his keys from others'.
  if (idempotencyKey === undefined || anonymous) return undefined;
  return Buffer.from(ports.keyedHash.hash("cache-key", "new session", owner, idempotencyKey), "base64url");
}

function bodyUser(fields: Readonly<Record<string, unknown>>): string | undefined {
  const user = fields["safety_identifier"] ?? fields["user"];
  return typeof user === "string" && user !== "" ? user : undefined;
}
