import { toBuffer } from "../kit/held-bytes.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { noLimits, scanArray, scanBody, type Span } from "../protocol/scan-body.ts";
import type { HistoryMessage } from "./history-strategy.ts";

type CountText = (text: string) => number;

const NO_RESULT = "[earlier tool result left out]";
const NO_IMAGE = Buffer.from(JSON.stringify({ type: "text", text: "[image: an earlier one, left out]" }));
/** What is no longer than this says much for little. */
const WORTH_LEAVING_OUT_TOKENS = 64;
/** What the short form of any result takes. */
export const resultNoteTokens = (countText: CountText): number => 3 + countText("tool") + countText(NO_RESULT);

/** The same bytes for the same call; `undefined` for a result that is short already. */
export function shortToolResult(message: HistoryMessage, noteTokens: number): HistoryMessage | undefined {
  const { role, toolCallId, tokens } = message;
  if (role !== "tool" || toolCallId === undefined || tokens <= WORTH_LEAVING_OUT_TOKENS) return undefined;
  return {
    role,
    bytes: Buffer.from(`{"role":"tool","tool_call_id":${JSON.stringify(toolCallId)},"content":"${NO_RESULT}"}`),
    tokens: noteTokens,
    toolCallIds: [],
    toolCallId,
    redactions: 0,
    original: message,
  };
}

/** Whether a user's message shows images, and nothing else that would have to be counted by its own rule. */
export const showsImages = (message: HistoryMessage): boolean => imagesOf(message).length > 0;

/** A note in the place of each image; all other bytes stay. `undefined` where there is none. */
export function withoutImages(message: HistoryMessage, countText: CountText): HistoryMessage | undefined {
  const images = imagesOf(message);
  if (images.length === 0) return undefined;
  const whole = toBuffer(message.bytes);
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { start, end } of images) {
    pieces.push(whole.subarray(at, start), NO_IMAGE);
    at = end;
  }
  const bytes = Buffer.concat([...pieces, whole.subarray(at)]);
  return { ...message, bytes, tokens: textTokens(bytes, countText), original: message };
}

/** Found without parsing: an image may be megabytes of base64. */
function imagesOf({ role, bytes: held }: HistoryMessage): readonly Span[] {
  if (role !== "user" || !held.includes("image_url")) return [];
  const bytes = toBuffer(held);
  const content = scanBody(bytes, noLimits).members.get("content");
  if (!content || bytes[content.start] !== OPEN_BRACKET) return [];
  const parts = scanArray(bytes.subarray(content.start, content.end), noLimits).map(({ start, end }) => {
    const span = { start: content.start + start, end: content.start + end };
    return { span, type: partType(bytes.subarray(span.start, span.end)) };
  });
  if (parts.some(({ type }) => type !== '"text"' && type !== IMAGE)) return [];
  return parts.filter(({ type }) => type === IMAGE).map(({ span }) => span);
}

const OPEN_BRACKET = 0x5b;
const IMAGE = '"image_url"';

function partType(part: Buffer): string | undefined {
  if (part[0] !== OPEN_BRACE) return undefined;
  const span = scanBody(part, noLimits).members.get("type");
  return span && part.toString("utf8", span.start, span.end);
}

const OPEN_BRACE = 0x7b;

/** Three tokens frame a message, one a name (OpenAI cookbook). */
function textTokens(bytes: Buffer, countText: CountText): number {
  const { role, content, name } = JSON.parse(bytes.toString("utf8")) as ChatMessage;
  const text = typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("");
  return 3 + countText(role) + countText(text) + (name ? 1 + countText(name) : 0);
}
