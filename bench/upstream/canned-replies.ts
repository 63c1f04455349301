/** What the upstream answers next, the same to everybody. */
export type ReplyForm =
  | { readonly kind: "json" }
  /** `paceMs` 0 writes a frame per turn of the event loop. */
  | { readonly kind: "stream"; readonly frames: number; readonly paceMs: number };

const MODEL = "gpt-4o-mini-2024-07-18";
const TEXT = "A short answer of a few plain words from the simulated upstream.";

export const jsonReply = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1,
    model: MODEL,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: TEXT, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 200, completion_tokens: 14, total_tokens: 214 },
  }),
);

/** Every event of a streamed answer: the role, `frames` words, the finish, the bill where it was asked for, the end. */
export function streamReply(frames: number, includesUsage: boolean): readonly Buffer[] {
  const words = Array.from({ length: frames }, (_, index) => chunk([choice({ content: ` word${index}` }, null)]));
  const usage = { prompt_tokens: 200, completion_tokens: frames, total_tokens: 200 + frames };
  return [
    chunk([choice({ role: "assistant", content: "" }, null)]),
    ...words,
    chunk([choice({}, "stop")]),
    ...(includesUsage ? [chunk([], { usage })] : []),
    Buffer.from("data: [DONE]\n\n"),
  ];
}

const choice = (delta: object, finishReason: string | null): object => ({
  index: 0,
  delta,
  logprobs: null,
  finish_reason: finishReason,
});

function chunk(choices: readonly object[], more: object = {}): Buffer {
  const event = { id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1, model: MODEL, choices, ...more };
  return Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
}
