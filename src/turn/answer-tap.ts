import { assembleFromJson, assembleFromStream } from "../protocol/assemble-answer.ts";
import type { Usage } from "../protocol/chat-message.ts";
import { parseUsage } from "../protocol/chat-usage.ts";
import { parseJsonObject } from "../protocol/json-object.ts";
import type { UpstreamHead } from "../upstream/upstream.ts";
import { estimateTokens, totalTokens } from "./billed-tokens.ts";

/** Collects an answer that is passed through unread, to learn what it was billed. */
export interface AnswerTap {
  onHead(head: UpstreamHead): void;
  onData(chunk: Buffer): void;
  /** As the answer says. Where it says nothing: a quarter of the bytes of request and text; nothing where no text is made. */
  tokens(): number;
}

const MAX_HEAD_BYTES = 4 << 20;
/** Providers bill at the end of an answer. */
const TAIL_BYTES = 64 << 10;

export function createAnswerTap(requestBytes: number): AnswerTap {
  const chunks: Buffer[] = [];
  let tail = Buffer.alloc(0);
  let size = 0;
  let type = "";
  let isAnswer = false;
  return {
    onHead({ status, headers }) {
      type = String(headers["content-type"] ?? "");
      isAnswer = status === 200 && /json|event-stream/.test(type);
    },
    onData(chunk) {
      if (!isAnswer) return;
      size += chunk.length;
      if (size <= MAX_HEAD_BYTES) chunks.push(chunk);
      else tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    },
    tokens() {
      if (!isAnswer) return 0;
      const head = Buffer.concat(chunks);
      const json = type.includes("json") ? parseJsonObject(head.toString()) : undefined;
      const usage = parseUsage(json?.["usage"]) ?? lastUsage(tail.length > 0 ? tail : head.subarray(-TAIL_BYTES));
      if (usage) return totalTokens(usage);
      const isCut = type.includes("json") && json === undefined;
      return estimateAnswer(requestBytes, { head, size, form: isCut ? "cut" : json ? "json" : "stream" });
    },
  };
}

/** A text inside of an answer has its quotes escaped, so it cannot speak for the provider. */
const USAGE = /"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})/g;

/** The last one of an answer of any kind, whole or in events. */
function lastUsage(bytes: Buffer): Usage | undefined {
  const found = [...bytes.toString("latin1").matchAll(USAGE)].at(-1)?.[1];
  return found === undefined ? undefined : parseUsage(parseJsonObject(found));
}

interface Said {
  /** Its first megabytes. */
  readonly head: Buffer;
  readonly size: number;
  /** `cut`: JSON without its end. */
  readonly form: "json" | "cut" | "stream";
}

/** Anything but choices of text was made without tokens, or says how many. */
function estimateAnswer(requestBytes: number, { head, size, form }: Said): number {
  if (!head.includes('"choices"')) return 0;
  const seen = form === "cut" ? head.length : textBytes(head, form);
  return estimateTokens(requestBytes + (seen * size) / head.length);
}

const COMPLETION_TEXT = /"text"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

function textBytes(bytes: Buffer, form: "json" | "stream"): number {
  const keeping = { keepReasoning: true };
  const chat = form === "json" ? assembleFromJson(bytes, keeping) : assembleFromStream([bytes], 1, keeping);
  const messages = (chat?.choices ?? []).map(({ message }) => Buffer.byteLength(JSON.stringify(message)));
  const texts = [...bytes.toString("latin1").matchAll(COMPLETION_TEXT)].map(([, text = ""]) => text.length);
  return Math.max(sum(messages), sum(texts));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
