import type { IncomingMessage } from "node:http";

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Handler } from "hono";

import type { Identity } from "../../identity/principal.ts";
import { hidePlainRequest } from "../../turn/hide-body.ts";
import { hidingRedactor } from "../../turn/hide-request.ts";
import { passThrough } from "../../turn/pass-through.ts";
import { visitorOf } from "../../turn/session-visitor.ts";
import type { TurnPorts } from "../../turn/turn-ports.ts";
import type { UpstreamRequest } from "../../upstream/upstream.ts";
import { errorAnswer } from "../error-response.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
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
  const { upstream, log } = ports;
  return async ({ env: { incoming, outgoing }, var: { requestId } }) => {
    try {
      if (settings.sharedRoutes) {
        const caller = settings.caller(incoming);
        const asker = visitorOf(await identity.resolve(caller), caller);
        settings.sharedRoutes.checkRoute(incoming, asker);
      }
      await passThrough({
        upstream,
        client: outgoing,
        request: {
          method: incoming.method ?? "GET",
          path: upstreamPath(incoming),
          ...(await readRequest(incoming, ports, settings)),
        },
        // A session header on a route without memory is answered, never silently ignored.
        ...(sessionHeader(incoming) !== undefined && { headers: { "x-history-mode": "unsupported" } }),
      });
    } catch (error) {
      const answer = errorAnswer(error, requestId, log);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    }
    return RESPONSE_ALREADY_SENT;
  };
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
