import { toBuffer } from "../kit/held-bytes.ts";
import { noLimits, type Span, scanBody } from "../protocol/scan-body.ts";
import type { HistoryMessage } from "./history-strategy.ts";

/** Goes with every request whose context holds placeholders. */
export const placeholderNote =
  "[Note: names in brackets such as EMAIL, PHONE or SECRET followed by hex digits are placeholders for withheld " +
  "values. If you need such a value, ask the user for it. Never pass a placeholder to a tool.]";

/** The same where values are put back into the answer before the client sees it. */
export const restorableNote =
  "[Note: names in brackets such as EMAIL, PHONE or SECRET followed by hex digits stand for withheld values. Where you " +
  "would write such a value, in tool arguments too, write its name exactly as it stands, brackets included: the value " +
  "is put back before anyone reads it.]";

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/**
 * The message with a note at its end, where text that differs from request to request disturbs no prompt cache. All
 * other bytes stay. A message that is not the user's, or has no content to append to, is returned as it is.
 */
export function appendTail(message: HistoryMessage, note: string, countText: (text: string) => number): HistoryMessage {
  if (message.role !== "user") return message;
  const whole = toBuffer(message.bytes);
  const content = scanBody(whole, noLimits).members.get("content");
  const bytes = content && spliceNote(whole, content, note);
  return bytes ? { ...message, bytes, tokens: message.tokens + countText(`\n\n${note}`) } : message;
}

function spliceNote(bytes: Buffer, { start, end }: Span, note: string): Buffer | undefined {
  const insert = (text: string): Buffer =>
    Buffer.concat([bytes.subarray(0, end - 1), Buffer.from(text), bytes.subarray(end - 1)]);
  if (bytes[start] === QUOTE) return insert(JSON.stringify(`${end - start > 2 ? "\n\n" : ""}${note}`).slice(1, -1));
  if (bytes[start] !== OPEN_BRACKET) return undefined;
  return insert(`${isEmptyArray(bytes, start) ? "" : ","}${JSON.stringify({ type: "text", text: note })}`);
}

function isEmptyArray(bytes: Buffer, start: number): boolean {
  let at = start + 1;
  while (bytes[at] !== undefined && (bytes[at] ?? 0) <= 0x20) at += 1;
  return bytes[at] === CLOSE_BRACKET;
}
