import { errorCatalog } from "./error-catalog.ts";
import type { GatewayError } from "./gateway-error.ts";

/** A failure as OpenAI's clients read it, in a response body or in an event of a stream. */
export function errorBody({ publicMessage: message, code, param }: GatewayError): string {
  return JSON.stringify({ error: { message, type: errorCatalog[code].type, param, code } });
}
