import { randomUUID } from "node:crypto";

import { RequestError } from "@hono/node-server";

import { describeError } from "../errors/describe-error.ts";
import { errorBody } from "../errors/error-body.ts";
import { errorCatalog } from "../errors/error-catalog.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { Log } from "../kit/log.ts";

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The one place where a failure becomes an HTTP answer, in OpenAI's shape. */
export function errorAnswer(failure: unknown, requestId: string, log: Log): ErrorAnswer {
  const error =
    failure instanceof GatewayError ? failure : new GatewayError("internal", "unexpected failure", { cause: failure });
  // When the store is away and when it is back its breaker says; a line for each request would say no more.
  const isOurs = error.status >= 500 && error.code !== "store_unavailable";
  if (isOurs) log.error({ requestId, code: error.code, cause: describeError(error) }, "request failed");
  const { status, retryable } = errorCatalog[error.code];
  const body = errorBody(error);
  return {
    status,
    headers: {
      ...error.headers,
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "x-request-id": requestId,
      ...(retryable && { "retry-after": String(Math.ceil(error.retryAfterMs / 1000)) }),
    },
    body,
  };
}

/** For what fails before any route sees it: an impossible `Host` or target. */
export function failedRequest(failure: unknown, log: Log): Response {
  const { status, headers, body } = errorAnswer(asMalformed(failure), randomUUID(), log);
  return new Response(body, { status, headers });
}

const asMalformed = (failure: unknown): unknown =>
  failure instanceof RequestError
    ? new GatewayError("invalid_header", "malformed host or target", {
        cause: failure,
        publicDetail: "The Host header or the address of the request is malformed.",
      })
    : failure;
