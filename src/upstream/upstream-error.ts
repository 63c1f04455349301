import { GatewayError } from "../errors/gateway-error.ts";

const timeoutCodes = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);
const closedCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** An undici or socket error in the gateway's words. The original is kept only where it says more: a bug of ours. */
export function toUpstreamError(error: Error, headSeen: boolean): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = errorCode(error);
  const reason = `${headSeen ? "answer broke off" : "no answer"}: ${code ?? error.name}`;
  // A parser error carries bytes of the answer as `data`, and those must not reach a log.
  const options = code === undefined && !("data" in error) ? { cause: error } : {};
  if (code !== undefined && timeoutCodes.has(code)) return new GatewayError("upstream_timeout", reason, options);
  return new GatewayError(headSeen ? "upstream_cut" : "upstream_unreachable", reason, options);
}

/** The other side closed the connection, as opposed to any failure of ours. */
export function isClosedByPeer(error: Error): boolean {
  const code = errorCode(error);
  return code !== undefined && closedCodes.has(code);
}

function errorCode(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
