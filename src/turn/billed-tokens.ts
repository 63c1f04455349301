import type { Awaitable } from "../kit/awaitable.ts";
import { assembleFromJson, assembleFromStream } from "../protocol/assemble-answer.ts";
import type { ChatAnswer } from "../protocol/chat-answer.ts";
import type { Usage } from "../protocol/chat-message.ts";
import { parseUsage } from "../protocol/chat-usage.ts";
import { isJsonObject } from "../protocol/json-object.ts";
import type { TokenCounter } from "../tokens/token-counter.ts";
import type { UpstreamHead } from "../upstream/upstream.ts";

const total = ({ promptTokens, completionTokens }: Usage): number => promptTokens + completionTokens;

/** What a turn's answer was billed; counted where the provider does not say, as when a client left in the middle. */
export function answerTokens(answer: ChatAnswer, promptTokens: number, counter: TokenCounter): Awaitable<number> {
  return answer.usage ? total(answer.usage) : countAnswer(answer, promptTokens, counter);
}

async function countAnswer({ choices }: ChatAnswer, promptTokens: number, counter: TokenCounter): Promise<number> {
  let tokens = promptTokens;
  for (const { message } of choices) tokens += await counter.countInSlices(message);
  return tokens;
}

/** Collects an answer that is passed through unread, to learn what it was billed. */
export interface AnswerTap {
  onHead(head: UpstreamHead): void;
  onData(chunk: Buffer): void;
  /** Where the answer does not say: a quarter of the bytes of a chat, and nothing for anything else. */
  tokens(): number;
}

/** Of text that nobody counted. */
export const estimateTokens = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);

const MAX_TAPPED_BYTES = 4 << 20;
const BYTES_PER_TOKEN = 4;

export function createAnswerTap(requestBytes: number): AnswerTap {
  const chunks: Buffer[] = [];
  let size = 0;
  let type = "";
  let isAnswer = false;
  return {
    onHead({ status, headers }) {
      type = String(headers["content-type"] ?? "");
      isAnswer = status === 200 && /json|event-stream/.test(type);
    },
    onData(chunk) {
      size += chunk.length;
      if (isAnswer && size <= MAX_TAPPED_BYTES) chunks.push(chunk);
    },
    tokens() {
      if (!isAnswer) return 0;
      const body = Buffer.concat(chunks);
      const usage = type.includes("json") ? jsonUsage(body) : undefined;
      if (usage) return total(usage);
      const answer = type.includes("json")
        ? assembleFromJson(body, { keepReasoning: true })
        : assembleFromStream([body], 1, { keepReasoning: true });
      if (answer?.usage) return total(answer.usage);
      const said = (answer?.choices ?? []).map(({ message }) => Buffer.byteLength(JSON.stringify(message)));
      if (said.length === 0) return 0;
      return estimateTokens(said.reduce((sum, bytes) => sum + bytes, requestBytes));
    },
  };
}

/** Of any JSON answer: embeddings and completions are billed too. */
function jsonUsage(body: Buffer): Usage | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString());
    return isJsonObject(answer) ? parseUsage(answer["usage"]) : undefined;
  } catch {
    return undefined;
  }
}
