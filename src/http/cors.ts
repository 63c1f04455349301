import type { IncomingMessage } from "node:http";

/** What a browser may be told about an answer; empty for origins that are not listed. */
export type CorsHeaders = (request: IncomingMessage) => Readonly<Record<string, string>>;

/** A page may read these of an answer; everything else stays hidden from its scripts. */
const exposed = [
  "X-Session-Id",
  "X-Session-Turn",
  "X-Session-Expires",
  "X-Session-Degraded",
  "X-History-Mode",
  "X-History-Strategy",
  "X-History-Messages",
  "X-Tokens-Saved",
  "X-Redactions-In-Context",
  "X-Stategate-Repeat",
  "X-Request-Id",
  "Retry-After",
  "X-RateLimit-Limit-Requests",
  "X-RateLimit-Remaining-Requests",
  "X-RateLimit-Reset-Requests",
  "X-RateLimit-Limit-Tokens",
  "X-RateLimit-Remaining-Tokens",
  "X-RateLimit-Reset-Tokens",
].join(", ");
const METHODS = "GET, POST, PUT, PATCH, DELETE";
const PREFLIGHT_SECONDS = "600";
const headerNames = /^[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*$/;

/**
 * By hand, because the chat route writes past Hono, whose own middleware cannot reach those answers, and because that
 * one tells refused origins too which headers it would expose.
 */
export function createCorsHeaders(origins: readonly string[]): CorsHeaders {
  const allowed = new Set(origins.map((origin) => new URL(origin).origin));
  return (request) => {
    const { origin } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return {};
    return {
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      ...(isPreflight(request) ? permissions(request) : { "access-control-expose-headers": exposed }),
    };
  };
}

/** A browser asks whether its page may send a request at all. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;

/** SDKs send a dozen headers of their own, so a listed origin may send what it likes. */
function permissions({ headers }: IncomingMessage): Record<string, string> {
  const wanted = headers["access-control-request-headers"] ?? "";
  return {
    "access-control-allow-methods": METHODS,
    ...(headerNames.test(wanted) && { "access-control-allow-headers": wanted }),
    "access-control-max-age": PREFLIGHT_SECONDS,
  };
}
