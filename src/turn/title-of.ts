import { type Bytes, toBuffer } from "../kit/held-bytes.ts";
import { isLong } from "../kit/work-slices.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { noLimits, scanBody } from "../protocol/scan-body.ts";
import type { StoredMessage } from "../session/turn-record.ts";

const TITLE_LENGTH = 80;

/** What a session is called: the first line of the first thing its user said. */
export function titleOf(messages: readonly StoredMessage[]): string {
  const user = messages.find(({ role }) => role === "user");
  const content = user && contentOf(user.bytes);
  const text = typeof content === "string" ? content : (content?.find((part) => part.text)?.text ?? "");
  const line = text.trim().split(/\r?\n/, 1)[0] ?? "";
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1)}…` : line;
}

/** Of a long message only what is needed of it is parsed. */
function contentOf(bytes: Bytes): ChatMessage["content"] {
  if (!isLong(bytes.length)) return (JSON.parse(bytes.toString("utf8")) as ChatMessage).content;
  const whole = toBuffer(bytes);
  const span = scanBody(whole, noLimits).members.get("content");
  return span && (JSON.parse(whole.toString("utf8", span.start, span.end)) as ChatMessage["content"]);
}
