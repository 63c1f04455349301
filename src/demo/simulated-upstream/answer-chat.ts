import { setTimeout as sleep } from "node:timers/promises";

import { type ChatBody, lastUserText, wantsSummary } from "./chat-body.ts";
import { type Answer, composeAnswer } from "./compose-answer.ts";
import { readDirectives } from "./directives.ts";
import { failHead } from "./fail-head.ts";
import { findProblem } from "./find-problem.ts";
import { sendError, sendJson } from "./send.ts";
import { streamAnswer } from "./stream-answer.ts";
import type { Exchange } from "./world.ts";

export async function answerChat(exchange: Exchange): Promise<void> {
  const { world, response, entry } = exchange;
  const problem = findProblem(entry.body);
  if (problem !== undefined) return sendError(response, problem);
  const body = entry.body as ChatBody;
  const directives = readDirectives(wantsSummary(body) ? world.summaryDirectives : lastUserText(body));
  Object.assign(entry, world.bill(body));

  if (directives.has("hang")) return;
  if (directives.has("drop")) return void response.socket?.destroy();
  await sleep(directives.number("delay") ?? world.options.latencyMs ?? 0, undefined, { ref: false });
  if (failHead(response, directives, body.stream === true)) return;
  const answer = composeAnswer(exchange, body, directives);
  if (body.stream) await streamAnswer(exchange, body, { answer, directives });
  else sendJson(response, plainAnswer(answer));
}

function plainAnswer({ head, content, refusal, reasoning, calls, finishReason, choices, usage }: Answer): object {
  const message = {
    role: "assistant",
    content,
    refusal,
    reasoning_content: reasoning,
    tool_calls: calls.length > 0 ? calls : undefined,
  };
  const choice = (index: number) => ({ index, message, logprobs: null, finish_reason: finishReason });
  return {
    ...head,
    object: "chat.completion",
    choices: Array.from({ length: choices }, (_, index) => choice(index)),
    usage,
  };
}
