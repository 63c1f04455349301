import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";

export const commonHeaders = (): Record<string, string> => ({
  "x-request-id": `req_${createHash("md5").update(String(performance.now())).digest("hex")}`,
  "openai-processing-ms": "1",
  "x-ratelimit-limit-requests": "10000",
  "x-ratelimit-remaining-requests": "9999",
});

export const errorBody = (message: string, type: string, code: string | null) => ({
  error: { message, type, param: null, code },
});

interface SentHead {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendJson(response: ServerResponse, body: unknown, { status = 200, headers = {} }: SentHead = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": bytes.length,
      ...commonHeaders(),
      ...headers,
    })
    .end(bytes);
}

interface SentText {
  readonly status: number;
  readonly contentType: string;
}

export function sendText(response: ServerResponse, text: string, { status, contentType }: SentText): void {
  response.writeHead(status, { "content-type": contentType, ...commonHeaders() }).end(text);
}

interface SentError {
  readonly status?: number;
  readonly code?: string | null;
}

export function sendError(
  response: ServerResponse,
  message: string,
  { status = 400, code = null }: SentError = {},
): void {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  const headers: Record<string, string> =
    status === 429 || status >= 500 ? { "retry-after": "1", "retry-after-ms": "1000" } : {};
  sendJson(response, errorBody(message, type, code), { status, headers });
}
