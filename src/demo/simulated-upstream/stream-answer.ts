import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { ChatBody } from "./chat-body.ts";
import type { Answer } from "./compose-answer.ts";
import type { Directives } from "./directives.ts";
import { createEventWriter } from "./event-writer.ts";
import { commonHeaders, errorBody } from "./send.ts";
import type { Exchange } from "./world.ts";

interface Chunk {
  readonly data: object;
  /** Counts towards `[[cut:N]]` and its kind. */
  readonly isPiece: boolean;
}

interface Stream {
  readonly answer: Answer;
  readonly directives: Directives;
}

export async function streamAnswer(
  { world, response }: Exchange,
  body: ChatBody,
  { answer, directives }: Stream,
): Promise<void> {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    ...commonHeaders(),
  });
  const write = createEventWriter(response, directives);
  const delayMs = directives.number("slow") ?? world.options.tokenDelayMs ?? 0;
  let pieces = 0;
  if (directives.has("garbage")) await write('{"choices": [{"delta": {"con');
  for (const { data, isPiece } of chunksOf(answer, body, directives)) {
    if (response.destroyed) return;
    if (isPiece && (await breakOff(response, directives, pieces++))) return;
    if (delayMs > 0) await sleep(delayMs, undefined, { ref: false });
    await write(JSON.stringify(data));
  }
  for (let times = directives.has("nodone") ? 0 : directives.has("donetwice") ? 2 : 1; times > 0; times--)
    await write("[DONE]");
  response.end();
}

function* chunksOf({ head, usage, ...answer }: Answer, body: ChatBody, directives: Directives): Generator<Chunk> {
  const withUsage = body.stream_options?.include_usage === true && usage !== undefined;
  const wrap = (choices: readonly object[]) => ({
    ...head,
    object: "chat.completion.chunk",
    choices,
    ...(withUsage && { usage: null }),
  });
  const each = function* (delta: object, finishReason: string | null, isPiece: boolean): Generator<Chunk> {
    for (let index = 0; index < answer.choices; index++) {
      yield { data: wrap([{ index, delta, logprobs: null, finish_reason: finishReason }]), isPiece };
    }
  };
  if (directives.has("azure"))
    yield {
      data: { id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [] },
      isPiece: false,
    };
  yield* each({ role: "assistant", content: answer.calls.length > 0 ? null : "", refusal: null }, null, false);
  if (answer.reasoning !== undefined) yield* each({ reasoning_content: answer.reasoning }, null, false);
  const pieces = directives.has("shred") ? /[\s\S]{1,3}/gu : /\s*\S+|\s+$/gu;
  for (const piece of answer.content?.match(pieces) ?? []) yield* each({ content: piece }, null, true);
  for (const piece of answer.refusal?.match(/\s*\S+/gu) ?? []) yield* each({ refusal: piece }, null, true);
  for (const call of callDeltas(answer.calls)) yield* each({ tool_calls: [call] }, null, true);
  yield* each({}, answer.finishReason, false);
  if (withUsage) yield { data: { ...wrap([]), usage }, isPiece: false };
}

/** Id and name first, then the arguments in pieces, those of parallel calls in turn. */
function* callDeltas(calls: Answer["calls"]): Generator<object> {
  for (const [index, call] of calls.entries()) {
    yield { index, id: call.id, type: call.type, function: { name: call.function.name, arguments: "" } };
  }
  const pieces = calls.map((call) => call.function.arguments.match(/[\s\S]{1,5}/gu) ?? []);
  for (let at = 0; pieces.some((list) => at < list.length); at++) {
    for (const [index, list] of pieces.entries()) {
      if (list[at] !== undefined) yield { index, function: { arguments: list[at] } };
    }
  }
}

/** True when the stream ends here without its end. */
async function breakOff(response: ServerResponse, directives: Directives, pieces: number): Promise<boolean> {
  const fault = ["cut", "reset", "stall", "fail"].find((name) => directives.number(name) === pieces);
  if (fault === undefined) return false;
  // What was written must leave first; a reset even discards what the other side has not read yet.
  await sleep(fault === "reset" ? 20 : 0);
  if (fault === "cut") response.destroy();
  if (fault === "reset") response.socket?.resetAndDestroy();
  if (fault === "fail")
    response.end(`data: ${JSON.stringify(errorBody("simulated failure", "server_error", null))}\n\n`);
  return true;
}
