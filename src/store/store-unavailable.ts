import { GatewayError } from "../errors/gateway-error.ts";

/** The one way in which a backend says that it cannot answer. `reason` is for operators: no keys, no addresses. */
export function storeUnavailable(reason: string, cause?: unknown): GatewayError {
  return new GatewayError("store_unavailable", reason, cause === undefined ? {} : { cause });
}
