import { errorCatalog } from "../errors/error-catalog.ts";
import { describeError } from "../errors/describe-error.ts";
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
  if (error.status >= 500) log.error({ requestId, code: error.code, cause: describeError(error) }, "request failed");
  const { type, status, retryable } = errorCatalog[error.code];
  return {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...(retryable && { "retry-after": "1" }),
    },
    body: errorBody(error.publicMessage, type, error.param, error.code),
  };
}

export const errorBody = (message: string, type: string, param: string | null, code: string): string =>
  JSON.stringify({ error: { message, type, param, code } });
