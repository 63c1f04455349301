import type { ChatMessage, ContentPart } from "../protocol/chat-message.ts";
import { findFindings } from "./find-findings.ts";
import type { TextRedactionOptions } from "./redact-text.ts";
import type { EntityType, Finding } from "./redactor.ts";
import type { SearchRules } from "./search-rules.ts";

/** How far a value may reach to either side of the border between two parts. */
const REACH = 128;

export interface JoinedMessage {
  /** The same object when no value crosses a border. */
  readonly value: ChatMessage;
  readonly types: readonly EntityType[];
}

/**
 * A model reads the text parts of a message as one text, so a value may begin in one and end in the next. Its placeholder
 * goes to the end of the first part, and the second begins behind it.
 */
export function* redactAcrossParts(
  message: ChatMessage,
  options: TextRedactionOptions,
): Generator<undefined, JoinedMessage> {
  const { content } = message;
  if (!isPartList(content)) return { value: message, types: [] };
  const parts = [...content];
  const types: EntityType[] = [];
  for (let index = 1; index < parts.length; index++) {
    const [left, right] = [parts[index - 1], parts[index]];
    if (!isTextPart(left) || !isTextPart(right)) continue;
    const finding = yield* findingAcross(left.text, right.text, options);
    yield;
    if (finding === undefined) continue;
    const { type, head, tail } = finding;
    const placeholder = options.name(type, left.text.slice(head) + right.text.slice(0, tail));
    parts[index - 1] = { ...left, text: left.text.slice(0, head) + placeholder };
    parts[index] = { ...right, text: right.text.slice(tail) };
    types.push(type);
  }
  return { value: types.length === 0 ? message : { ...message, content: parts }, types };
}

interface Crossing {
  readonly type: EntityType;
  /** Where the value begins in the first text. */
  readonly head: number;
  /** Where it ends in the second. */
  readonly tail: number;
}

function* findingAcross(
  left: string,
  right: string,
  { rules }: TextRedactionOptions,
): Generator<undefined, Crossing | undefined> {
  const cut = Math.max(0, left.length - REACH);
  const window = left.slice(cut) + right.slice(0, REACH);
  const border = left.length - cut;
  const crossing = (yield* findFindings(window, rules)).find((found) => found.start < border && found.end > border);
  if (crossing === undefined || (yield* isFoundAlone(left.slice(cut), rules))) return undefined;
  if (!isWhole(crossing, { window, cut, right })) return undefined;
  return { type: crossing.type, head: cut + crossing.start, tail: crossing.end - border };
}

/** A value that ends at the border by itself does not go on behind it: `jane@example.com` and `Second part`. */
function* isFoundAlone(left: string, rules: SearchRules): Generator<undefined, boolean> {
  return (yield* findFindings(left, rules)).some(({ end }) => end === left.length);
}

/** Not cut by the window itself: what goes on outside of it is read differently there. */
function isWhole(
  { start, end }: Finding,
  { window, cut, right }: { window: string; cut: number; right: string },
): boolean {
  return (start > 0 || cut === 0) && (end < window.length || right.length <= REACH);
}

export const hasSeveralParts = ({ content }: ChatMessage): boolean => isPartList(content);

function isPartList(content: ChatMessage["content"]): content is readonly ContentPart[] {
  return Array.isArray(content) && content.length > 1;
}

function isTextPart(part: ContentPart | undefined): part is ContentPart & { readonly text: string } {
  return part?.type === "text" && typeof part.text === "string";
}
