import { type Bytes, toBuffer } from "../kit/held-bytes.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";
import { noLimits, scanArray, scanBody, type Span } from "../protocol/scan-body.ts";
import type { TurnPlan } from "./plan-turn.ts";

/** What a provider is told so that it finds a session's prompt in its cache. */
export interface CacheHints {
  readonly profile: "openai" | "anthropic-compatible" | "none";
  /** Of `openai`. */
  readonly retention: "in_memory" | "24h" | undefined;
}

/** Members to add to a body, as they are printed. What the client says itself stands. */
export function hintedMembers(hints: CacheHints, { members }: ChatRequest, cacheKey: () => string): readonly Buffer[] {
  if (hints.profile !== "openai") return [];
  const added = { prompt_cache_key: cacheKey, prompt_cache_retention: () => hints.retention };
  return Object.entries(added).flatMap(([name, valueOf]) => {
    const value = members.has(name) ? undefined : valueOf();
    return value === undefined ? [] : [Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)}`)];
  });
}

const MARK = '"cache_control":{"type":"ephemeral"}';

/**
 * The context with a breakpoint on the last message that was there before: what is new changes too soon to be worth a
 * write. `undefined` where no message takes one, and where the client sets breakpoints itself: providers allow few.
 */
export function withBreakpoint(
  hints: CacheHints,
  { body }: ChatRequest,
  { context, selection }: Pick<TurnPlan, "context" | "selection">,
): readonly Bytes[] | undefined {
  if (hints.profile !== "anthropic-compatible" || body.includes('"cache_control"')) return undefined;
  const stored = context.slice(0, context.length - selection.incoming.length);
  for (let index = stored.length - 1; index >= 0; index -= 1) {
    const message = stored[index];
    const marked = message && message.role !== "tool" && markLastText(toBuffer(message.bytes));
    if (marked) return context.map(({ bytes }, at) => (at === index ? marked : bytes));
  }
  return undefined;
}

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** A provider takes marks on parts only, and none on an empty text. */
function markLastText(message: Buffer): Buffer | undefined {
  const content = scanBody(message, noLimits).members.get("content");
  if (!content) return undefined;
  if (message[content.start] === QUOTE) {
    if (content.end - content.start <= 2) return undefined;
    const text = message.subarray(content.start, content.end);
    return replace(message, content, [`[{"type":"text","text":`, text, `,${MARK}}]`]);
  }
  if (message[content.start] !== OPEN_BRACKET) return undefined;
  const last = scanArray(message.subarray(content.start, content.end), noLimits).at(-1);
  if (!last) return undefined;
  const start = content.start + last.start;
  if (!isText(message.subarray(start, content.start + last.end))) return undefined;
  return replace(message, { start, end: start + 1 }, [`{${MARK},`]);
}

function isText(part: Buffer): boolean {
  if (part[0] !== OPEN_BRACE) return false;
  const { members } = scanBody(part, noLimits);
  const print = (name: string): string => {
    const span = members.get(name);
    return span ? part.toString("utf8", span.start, span.end) : "";
  };
  return print("type") === '"text"' && print("text").length > 2;
}

const replace = (bytes: Buffer, { start, end }: Span, pieces: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat([
    bytes.subarray(0, start),
    ...pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)),
    bytes.subarray(end),
  ]);
