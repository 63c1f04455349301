import { GatewayError } from "../errors/gateway-error.ts";
import { base64End } from "./fold-text.ts";
import type { MessageString } from "./message-strings.ts";

const MIN_PAYLOAD = 512;
const MAX_HEADER = 256;

/**
 * Before any work, so that what is refused costs little.
 *
 * @throws GatewayError `redaction_failed`
 */
export function* refuseExcess(strings: readonly MessageString[], maxCharacters: number): Generator<undefined, void> {
  let characters = 0;
  for (const { text } of strings) {
    if (text.length < MIN_PAYLOAD || !(yield* isPayload(text))) characters += text.length;
    if (characters > maxCharacters) throw new GatewayError("redaction_failed", `more than ${maxCharacters} characters`);
  }
}

/** An image or a file as a data URL: nothing to read, and long. */
function* isPayload(text: string): Generator<undefined, boolean> {
  if (!text.startsWith("data:")) return false;
  const comma = text.slice(0, MAX_HEADER).indexOf(";base64,");
  return comma > 0 && (yield* base64End(text, comma + 8)) === text.length;
}
