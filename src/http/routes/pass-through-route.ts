import type { IncomingMessage } from "node:http";

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Handler } from "hono";

import type { Identity, Principal } from "../../identity/principal.ts";
import { hidePlainRequest } from "../../turn/hide-body.ts";
import { hidingRedactor } from "../../turn/hide-request.ts";
import { passThroughWith } from "../../turn/pass-through.ts";
import { visitorOf } from "../../turn/session-visitor.ts";
import { withTicket } from "../../turn/ticket.ts";
import type { TurnPorts } from "../../turn/turn-ports.ts";
import type { UpstreamRequest } from "../../upstream/upstream.ts";
import { errorAnswer } from "../error-response.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { knownPrincipal } from "../known-principal.ts";
import { readBody } from "../read-body.ts";
import { sessionHeader } from "../session-name.ts";
import { upstreamPath } from "../upstream-path.ts";

interface PassThroughParts {
  readonly ports: TurnPorts;
  readonly identity: Identity;
  readonly settings: HttpSettings;
}

/** Everything of the OpenAI API that has no memory: bytes pass both ways, multipart and streams included. */
export function passThroughRoute({ ports, identity, settings }: PassThroughParts): Handler<GatewayEnv> {
  const { upstream, limiter, log } = ports;
  return async ({ env: { incoming, outgoing: client }, var: { requestId } }) => {
    try {
      const known = await whoAsks(incoming, identity, settings);
      const { method = "GET" } = incoming;
      const request = { method, path: upstreamPath(incoming), ...(await readRequest(incoming, ports, settings)) };
      // A session header on a route without memory is answered, never silently ignored.
      const headers = sessionHeader(incoming) === undefined ? {} : { "x-history-mode": "unsupported" };
      // Only what may make a model work is counted.
      const principal = method === "POST" ? known : undefined;
      await withTicket({ limiter, principal, client }, (ticket) =>
        passThroughWith(ticket, { upstream, client, request, headers }),
      );
    } catch (error) {
      const answer = errorAnswer(error, requestId, log);
      if (client.headersSent) client.destroy();
      else client.writeHead(answer.status, answer.headers).end(answer.body);
    }
    return RESPONSE_ALREADY_SENT;
  };
}

/** Behind a shared account nobody passes unknown, nor to everything. */
async function whoAsks(
  incoming: IncomingMessage,
  identity: Identity,
  { caller: readCaller, sharedRoutes }: HttpSettings,
): Promise<Principal | undefined> {
  const caller = readCaller(incoming);
  if (!sharedRoutes) return knownPrincipal(identity, caller);
  const principal = await identity.resolve(caller);
  sharedRoutes.checkRoute(incoming, visitorOf(principal, caller));
  return principal;
}

async function readRequest(
  incoming: IncomingMessage,
  ports: TurnPorts,
  { maxBodyBytes }: HttpSettings,
): Promise<Pick<UpstreamRequest, "headers" | "body">> {
  const { headers } = incoming;
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  const redactor = hidingRedactor(ports);
  if (!redactor) return { headers, body: hasBody ? incoming : undefined };
  const readAll = hasBody ? () => readBody(incoming, maxBodyBytes) : undefined;
  return hidePlainRequest(ports, redactor, { headers, readBody: readAll });
}
