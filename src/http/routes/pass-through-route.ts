import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Handler } from "hono";

import type { Identity } from "../../identity/principal.ts";
import type { Log } from "../../kit/log.ts";
import { passThrough } from "../../turn/pass-through.ts";
import type { Upstream } from "../../upstream/upstream.ts";
import { errorAnswer } from "../error-response.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import type { HttpSettings } from "../http-settings.ts";
import { sessionHeader } from "../session-name.ts";
import { upstreamPath } from "../upstream-path.ts";

interface PassThroughParts {
  readonly upstream: Upstream;
  readonly log: Log;
  readonly identity: Identity;
  readonly settings: HttpSettings;
}

/** Everything of the OpenAI API that has no memory: bytes pass both ways, multipart and streams included. */
export function passThroughRoute({ upstream, log, identity, settings }: PassThroughParts): Handler<GatewayEnv> {
  return async ({ env: { incoming, outgoing }, var: { requestId } }) => {
    try {
      if (settings.sharedRoutes) {
        await identity.resolve(settings.caller(incoming));
        settings.sharedRoutes.checkRoute(incoming);
      }
      const hasBody =
        incoming.headers["content-length"] !== undefined || incoming.headers["transfer-encoding"] !== undefined;
      await passThrough({
        upstream,
        client: outgoing,
        request: {
          method: incoming.method ?? "GET",
          path: upstreamPath(incoming),
          headers: incoming.headers,
          body: hasBody ? incoming : undefined,
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
