import { describe, expect, it } from "vitest";

import { assembleFromStream, createAnswerAssembler } from "../../../src/protocol/assemble-answer.ts";
import type { ChatAnswer } from "../../../src/protocol/chat-answer.ts";

const plain = { keepReasoning: false };
const withReasoning = { keepReasoning: true };
const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt-4o" };

const delta = (piece: object, finishReason: string | null = null, index = 0): object => ({
  ...head,
  choices: [{ index, delta: piece, finish_reason: finishReason }],
  usage: null,
});
const event = (chunk: object): Buffer => Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
const done = Buffer.from("data: [DONE]\n\n");
const usage = {
  prompt_tokens: 20,
  completion_tokens: 5,
  prompt_tokens_details: { cached_tokens: 12, cache_write_tokens: 3 },
};

function assemble(chunks: readonly object[], expectedChoices = 1, options = plain): ChatAnswer {
  return assembleFromStream(chunks.map(event), expectedChoices, options);
}
const messageOf = (chunks: readonly object[], options = plain): unknown =>
  assemble(chunks, 1, options).choices[0]?.message;

describe("a streamed answer", () => {
  it("joins content, and takes usage from the last chunk without choices", () => {
    const chunks = [
      delta({ role: "assistant", content: "", refusal: null }),
      delta({ content: "caf" }),
      delta({ content: "é \ud83d" }),
      delta({ content: "\ude00" }),
      delta({}, "stop"),
      { ...head, choices: [], usage },
    ];
    expect(assembleFromStream([...chunks.map(event), done], 1, plain)).toMatchObject({
      id: "chatcmpl-1",
      model: "gpt-4o",
      choices: [{ index: 0, message: { role: "assistant", content: "café 😀" }, finishReason: "stop" }],
      complete: true,
      usage: { promptTokens: 20, completionTokens: 5, cachedTokens: 12, cacheWriteTokens: 3 },
    });
  });

  it("takes usage that comes beside a choice, and again and again: the last one counts", () => {
    const chunks = [
      { ...delta({ content: "a" }), usage: { prompt_tokens: 20, completion_tokens: 1 } },
      { ...delta({}, "stop"), usage: { prompt_tokens: 20, completion_tokens: 2 } },
      { ...head, choices: [], usage: null },
    ];
    expect(assemble(chunks).usage).toMatchObject({
      promptTokens: 20,
      completionTokens: 2,
      cachedTokens: 0,
      cacheWriteTokens: 0,
    });
  });

  it("passes over comments, empty events, frames that are no JSON, a second [DONE]", () => {
    const noise = Buffer.from(
      `: ping\n\n\n\nevent: x\n\ndata: {"choices": [{"del\n\ndata: 7\n\ndata: {"choices": 7}\n\n`,
    );
    const answer = assembleFromStream(
      [noise, event(delta({ content: "a" })), noise, event(delta({}, "stop")), done, done],
      1,
      plain,
    );
    expect(answer.choices[0]?.message.content).toBe("a");
    expect(answer.complete).toBe(true);
  });

  it("takes many events of one buffer and the data of single ones alike", () => {
    const chunks = [delta({ content: "a" }), delta({ content: "b" }, "stop")];
    const strings = assembleFromStream(
      chunks.map((chunk) => JSON.stringify(chunk)),
      1,
      plain,
    );
    expect(assembleFromStream([Buffer.concat(chunks.map(event))], 1, plain)).toEqual(strings);
    expect(strings.choices[0]?.message.content).toBe("ab");
  });

  it("skips the empty id and model of Azure's first chunk", () => {
    const azure = { id: "", object: "", model: "", choices: [], prompt_filter_results: [] };
    expect(assemble([azure, delta({ content: "a" }, "stop")])).toMatchObject({
      id: "chatcmpl-1",
      model: "gpt-4o",
      complete: true,
    });
  });

  it("takes chunks that leave the finish reason out, or empty, for unfinished", () => {
    const bare = { ...head, choices: [{ index: 0, delta: { content: "a" } }] };
    expect(assemble([bare, bare])).toMatchObject({
      complete: false,
      choices: [{ finishReason: null, message: { content: "aa" } }],
    });
    expect(assemble([bare, delta({}, ""), delta({}, "stop"), delta({}, "")])).toMatchObject({
      complete: true,
      choices: [{ finishReason: "stop" }],
    });
  });

  it("is complete only when every choice asked for is finished, with or without [DONE]", () => {
    const two = [delta({ content: "a" }, "stop", 0), delta({ content: "b" }, null, 1)];
    expect(assembleFromStream([...two.map(event), done], 2, plain).complete).toBe(false);
    expect(assemble([...two, delta({}, "length", 1)], 2).complete).toBe(true);
    expect(assemble([delta({ content: "a" }, "stop")], 2).complete).toBe(false);
    expect(assemble([], 1)).toEqual({
      id: undefined,
      model: undefined,
      choices: [],
      complete: false,
      usage: undefined,
    });
  });

  it("orders choices by index", () => {
    const answer = assemble([delta({ content: "b" }, "stop", 1), delta({ content: "a" }, "stop", 0)], 2);
    expect(answer.choices.map((choice) => choice.message.content)).toEqual(["a", "b"]);
  });

  it("an error in mid-stream leaves what came before it, unfinished", () => {
    const answer = assemble([delta({ content: "half" }), { error: { message: "overloaded", code: null } }]);
    expect(answer).toMatchObject({ complete: false, choices: [{ finishReason: null, message: { content: "half" } }] });
  });

  it("has no choice when nothing usable arrived", () => {
    expect(assemble([delta({ role: "assistant", content: "" })]).choices).toEqual([]);
    expect(assemble([{ error: { message: "overloaded" } }]).choices).toEqual([]);
  });

  it("can be asked at any time", () => {
    const assembler = createAnswerAssembler(1, plain);
    assembler.add(event(delta({ content: "a" })));
    expect(assembler.answer()).toMatchObject({ complete: false, choices: [{ message: { content: "a" } }] });
    assembler.add(event(delta({ content: "b" }, "stop")));
    expect(assembler.answer()).toMatchObject({ complete: true, choices: [{ message: { content: "ab" } }] });
  });
});

describe("an assembler", () => {
  it("knows whether the last word was an error, whether or not [DONE] and comments follow", () => {
    const assembler = createAnswerAssembler(1, plain);
    assembler.add(event(delta({ content: "a" })));
    expect(assembler.endsInError()).toBe(false);
    assembler.add(Buffer.concat([event({ error: { message: "overloaded" } }), Buffer.from(": bye\n\n"), done]));
    expect(assembler.endsInError()).toBe(true);
    assembler.add(event(delta({ content: "b" }, "stop")));
    expect(assembler.endsInError()).toBe(false);
  });
});

describe("tool calls of a stream", () => {
  const call = (index: number, fields: object): object => ({ tool_calls: [{ index, ...fields }] });
  const first = [
    delta({ role: "assistant", content: null }),
    delta(call(0, { id: "call_a", type: "function", function: { name: "search", arguments: "" } })),
    delta(call(1, { id: "call_b", type: "function", function: { name: "read", arguments: "" } })),
    delta(call(0, { function: { arguments: '{"q":' } })),
    delta(call(1, { function: { arguments: '{"f":"x"' } })),
    delta(call(0, { function: { arguments: '"東京"}' } })),
    delta(call(1, { function: { arguments: "}" } })),
  ];
  const both = [
    { id: "call_a", type: "function", function: { name: "search", arguments: '{"q":"東京"}' } },
    { id: "call_b", type: "function", function: { name: "read", arguments: '{"f":"x"}' } },
  ];

  it("are put together from interleaved pieces", () => {
    expect(messageOf([...first, delta({}, "tool_calls")])).toEqual({
      role: "assistant",
      content: null,
      tool_calls: both,
    });
  });

  it("of an unfinished choice are dropped, whole ones too; text beside them stays", () => {
    expect(assemble(first).choices).toEqual([]);
    expect(messageOf([delta({ content: "Let me look." }), ...first])).toEqual({
      role: "assistant",
      content: "Let me look.",
    });
  });

  it("survive providers that repeat id and name, leave the index out, or give all calls the index 0", () => {
    const repeating = first.map((chunk) =>
      JSON.parse(
        JSON.stringify(chunk).replace(
          '{"index":0,"function":{',
          '{"index":0,"id":"call_a","type":"function","function":{"name":"search",',
        ),
      ),
    );
    expect(messageOf([...repeating, delta({}, "tool_calls")])).toMatchObject({ tool_calls: both });
    const whole = both.map((each) => delta({ tool_calls: [each] }));
    expect(messageOf([...whole, delta({}, "tool_calls")])).toMatchObject({ tool_calls: both });
    const allZero = both.map((each) => delta(call(0, each)));
    expect(messageOf([...allZero, delta({}, "tool_calls")])).toMatchObject({ tool_calls: both });
  });

  it("keep fields nobody here knows, and custom tools", () => {
    const chunks = [
      delta(
        call(0, {
          id: "call_a",
          type: "function",
          extra_content: { signature: "s" },
          function: { name: "f", arguments: "{}" },
        }),
      ),
      delta(call(1, { id: "call_b", type: "custom", custom: { name: "sql", input: "select" } })),
      delta(call(1, { custom: { input: " 1" } })),
      delta({}, "tool_calls"),
    ];
    expect(messageOf(chunks)).toMatchObject({
      tool_calls: [
        { id: "call_a", extra_content: { signature: "s" }, function: { name: "f", arguments: "{}" } },
        { id: "call_b", type: "custom", custom: { name: "sql", input: "select 1" } },
      ],
    });
  });

  it("of the legacy kind are collected too", () => {
    const chunks = [
      delta({ role: "assistant", content: null, function_call: { name: "f", arguments: "" } }),
      delta({ function_call: { arguments: '{"a"' } }),
      delta({ function_call: { arguments: ":1}" } }, "function_call"),
    ];
    expect(messageOf(chunks)).toEqual({
      role: "assistant",
      content: null,
      function_call: { name: "f", arguments: '{"a":1}' },
    });
  });

  it("long arguments in small pieces take linear time", () => {
    const pieces = Array.from({ length: 100_000 }, () =>
      JSON.stringify(delta(call(0, { function: { arguments: "0123456789" } }))),
    );
    const answer = assembleFromStream(
      [JSON.stringify(first[1]), ...pieces, JSON.stringify(delta({}, "stop"))],
      1,
      plain,
    );
    expect(answer.choices[0]?.message.tool_calls?.[0]?.function?.arguments.length).toBe(1_000_000);
  });
});

describe("other deltas", () => {
  it("a refusal stands in the place of content", () => {
    const chunks = [
      delta({ role: "assistant", content: "", refusal: null }),
      delta({ refusal: "I can't " }),
      delta({ refusal: "help." }, "stop"),
    ];
    expect(messageOf(chunks)).toEqual({ role: "assistant", content: null, refusal: "I can't help." });
  });

  it("of audio only the id is kept", () => {
    const chunks = [
      delta({ audio: { id: "audio_1", transcript: "He" } }),
      delta({ audio: { data: "AAAA", transcript: "llo" } }, "stop"),
    ];
    expect(messageOf(chunks)).toEqual({ role: "assistant", content: null, audio: { id: "audio_1" } });
  });

  it("an empty finished answer has empty content, which is legal as input", () => {
    expect(messageOf([delta({ role: "assistant", content: "" }), delta({}, "stop")])).toEqual({
      role: "assistant",
      content: "",
    });
  });

  const thinking = [
    delta({
      reasoning: "Let ",
      reasoning_content: "Let ",
      reasoning_details: [{ type: "reasoning.text", index: 0, text: "Let " }],
    }),
    delta({
      reasoning: "me.",
      reasoning_content: "me.",
      reasoning_details: [{ type: "reasoning.text", index: 0, text: "me.", signature: "s" }],
    }),
    delta({ reasoning_details: [{ type: "reasoning.encrypted", index: 1, data: "zzz" }] }),
    delta({ content: "Yes." }, "stop"),
  ];

  it("reasoning is left out where the upstream does not want it back", () => {
    expect(messageOf(thinking)).toEqual({ role: "assistant", content: "Yes." });
  });

  it("reasoning is kept where it does", () => {
    expect(messageOf(thinking, withReasoning)).toEqual({
      role: "assistant",
      content: "Yes.",
      reasoning: "Let me.",
      reasoning_content: "Let me.",
      reasoning_details: [
        { type: "reasoning.text", index: 0, text: "Let me.", signature: "s" },
        { type: "reasoning.encrypted", index: 1, data: "zzz" },
      ],
    });
  });

  it("content that comes as parts stays parts, neighbouring text joined", () => {
    const thinkingPart = { type: "thinking", thinking: [{ type: "text", text: "hm" }] };
    const chunks = [
      delta({ content: [thinkingPart] }),
      delta({ content: [{ type: "text", text: "Ye" }] }),
      delta({ content: "s." }, "stop"),
    ];
    expect(messageOf(chunks)).toEqual({ role: "assistant", content: [thinkingPart, { type: "text", text: "Yes." }] });
  });

  it("a hostile index or key does no harm", () => {
    const answer = assembleFromStream(
      [
        `{"choices":[{"index":-1,"delta":{"content":"a"}},{"index":1e300,"delta":{"content":"b"}},null,7]}`,
        `{"choices":[{"index":0,"delta":{"__proto__":{"polluted":1},"tool_calls":[{"index":0,"__proto__":{"x":1},"id":"c","function":{"name":"f"}}]},"finish_reason":"stop"}]}`,
      ],
      1,
      plain,
    );
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]?.message.content).toBe("ab");
    expect({}).not.toHaveProperty("polluted");
  });
});
