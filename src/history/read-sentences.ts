import { toBuffer } from "../kit/held-bytes.ts";
import { contentText } from "./content-text.ts";
import type { HistoryMessage, HistoryTurn } from "./history-strategy.ts";

export interface Sentence {
  /** As it stands in a digest: who said it, and what. */
  readonly line: string;
  readonly text: string;
  readonly role: string;
  /** First of its message: what a message is about mostly stands there. */
  readonly opens: boolean;
}

/** Bytes read of all turns together, and of one message at least and at most. */
const MAX_BYTES = 256 * 1024;
const MIN_SHARE = 256;
const MAX_SHARE = 8 * 1024;
const MAX_SENTENCE = 240;

const speakers: Readonly<Record<string, string>> = { user: "User", assistant: "Assistant", tool: "Tool" };

/**
 * What was said in the turns, redacted, each sentence once, in order. Of many or long messages only the beginnings are
 * read; of more than fit at all, the newest.
 */
export function readSentences(turns: readonly HistoryTurn[]): Sentence[] {
  const messages = turns.flatMap(({ stored }) => stored);
  const share = Math.min(MAX_SHARE, Math.max(MIN_SHARE, Math.floor(MAX_BYTES / Math.max(1, messages.length))));
  const seen = new Set<string>();
  return messages.slice(-Math.floor(MAX_BYTES / share)).flatMap((message) => {
    const { role } = message;
    return splitSentences(readableText(message, share)).flatMap((text, index): Sentence[] => {
      const line = `${speakers[role] ?? role}: ${text}`;
      if (seen.has(line)) return [];
      seen.add(line);
      return [{ line, text, role, opens: index === 0 }];
    });
  });
}

/** Sentences and lines of a text, white space folded, each at most 240 characters long. */
export function splitSentences(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|(?<=[。！？])|\n+/)
    .map((sentence) => sentence.replace(/\s+/g, " ").trim())
    .filter((sentence) => sentence.length > 1)
    .map((sentence) => (sentence.length > MAX_SENTENCE ? `${clip(sentence)}…` : sentence));
}

function clip(sentence: string): string {
  const part = sentence.slice(0, MAX_SENTENCE - 1);
  const space = part.lastIndexOf(" ");
  return (space > MAX_SENTENCE / 2 ? part.slice(0, space) : part).replace(/[\uD800-\uDBFF]$/, "");
}

function readableText({ bytes }: HistoryMessage, limit: number): string {
  if (bytes.length > limit) return leadingText(toBuffer(bytes), limit);
  const message = JSON.parse(bytes.toString("utf8")) as Readonly<Record<string, unknown>>;
  return [contentText(message["content"]), ...callsOf(message["tool_calls"])].filter(Boolean).join("\n");
}

function callsOf(calls: unknown): string[] {
  if (!Array.isArray(calls)) return [];
  return calls.map((call: unknown) => {
    const called = fieldOf(call, "function");
    return `called ${contentText(fieldOf(called, "name"))} with ${contentText(fieldOf(called, "arguments"))}`;
  });
}

const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : undefined;

/** The beginning of the first text in a message too long to parse. Stored messages are written without white space. */
function leadingText(bytes: Buffer, limit: number): string {
  const start = ['"content":"', '"text":"']
    .map((key) => [bytes.indexOf(key), key.length] as const)
    .find(([at]) => at >= 0);
  if (!start) return "";
  const from = start[0] + start[1];
  const raw = bytes.toString("utf8", from, from + limit);
  const [whole = ""] = /^(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/.exec(raw) ?? [];
  return (JSON.parse(`"${whole}"`) as string).replace(/\uFFFD+$/, "");
}
