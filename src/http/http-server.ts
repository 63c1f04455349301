import { createServer, type Server } from "node:http";

import { getRequestListener } from "@hono/node-server";

import type { Log } from "../kit/log.ts";
import type { App } from "./app.ts";
import { createClientErrors } from "./client-errors.ts";
import { failedRequest } from "./error-response.ts";
import { type AnswerPolicy, guardedResponse } from "./guarded-response.ts";

export interface HttpServerParts {
  readonly app: App;
  readonly answers: AnswerPolicy;
  readonly settings: {
    readonly maxHeaderBytes: number;
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
  };
  readonly log: Log;
}

/** Longer than the load balancers in front keep theirs, so that they and not we close an idle connection first. */
const KEEP_ALIVE_MS = 75_000;
/** How late a client that dawdles may be noticed. */
const DAWDLING_CHECK_MS = 1_000;
/** Beyond what one process can serve; more would only take the descriptors that store and upstream need. */
const MAX_CONNECTIONS = 10_000;

/** The server that listens: what HTTP itself can be abused for is dealt with before any route. */
export function createHttpServer({ app: { router, plainChat }, answers, settings, log }: HttpServerParts): Server {
  const listener = getRequestListener(router.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (failure) => failedRequest(failure, log),
  });
  const clientErrors = createClientErrors(log);
  const server = createServer(
    {
      ServerResponse: guardedResponse(answers),
      maxHeaderSize: settings.maxHeaderBytes,
      headersTimeout: settings.headersTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      connectionsCheckingInterval: DAWDLING_CHECK_MS,
      noDelay: true,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Without it Node refuses a missing Host with an answer of its own, in no shape at all.
      requireHostHeader: false,
    },
    (request, response) => {
      clientErrors.track(response);
      if (!plainChat(request, response)) void listener(request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => clientErrors.answer(error, socket));
  return server;
}
