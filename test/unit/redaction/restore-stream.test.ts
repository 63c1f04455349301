import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { assembleFromStream } from "../../../src/protocol/assemble-answer.ts";
import { eventData, splitEvents } from "../../../src/protocol/sse-event.ts";
import { createSseSplitter } from "../../../src/protocol/sse-splitter.ts";
import { restoreAnswer, restoreMessage } from "../../../src/redaction/restore-answer.ts";
import { createStreamRestorer, restoreStream } from "../../../src/redaction/restore-stream.ts";
import { inCiOrProving } from "../../support/prove.ts";

const values = new Map([
  ["[EMAIL_3fa91c02]", "jane.doe@example.com"],
  ["[PHONE_00000001]", "+49 30 901820"],
  ["[SECRET_deadbeef]", '-----BEGIN KEY-----\n"quoted" \\ 東京 😀\n-----END KEY-----'],
  ["ask_SSN_00c0ffee", "ask_123-45-6789"],
]);
const placeholders = ["[EMAIL_3fa91c02]", "[PHONE_00000001]", "[SECRET_deadbeef]"];
const options = { keepReasoning: true };

/** Text as the model writes it, with placeholders of ours, of others, and halves of them. */
const modelText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...placeholders),
      fc.constantFrom("[", "[EMAIL_", "[EMAIL_3fa91c0", "[SSN_00c0ffee]", "[[", "]", '"', "\\", "{", "\n", "😀", "é"),
      fc.string({ unit: "binary", maxLength: 6 }),
    ),
    { maxLength: 9 },
  )
  .map((pieces) => pieces.join(""));

interface Call {
  readonly name: string;
  readonly given: unknown;
}

interface Choice {
  readonly content: string;
  readonly refusal: string;
  readonly reasoning_content: string;
  readonly calls: readonly Call[];
}

const choice: fc.Arbitrary<Choice> = fc.record({
  content: modelText,
  refusal: fc.oneof(fc.constant(""), modelText),
  reasoning_content: fc.oneof(fc.constant(""), modelText),
  calls: fc.array(
    fc.record({
      name: fc.constantFrom("look", "ask_SSN_00c0ffee"),
      given: fc.record({
        to: modelText,
        list: fc.array(modelText, { maxLength: 2 }),
        deep: fc.record({ a: modelText }),
      }),
    }),
    { maxLength: 3 },
  ),
});

/** What the client would have been told, had the model known the values. */
const inClear = (text: string): string =>
  placeholders.reduce((all, one) => all.replaceAll(one, values.get(one) ?? ""), text);
const clearOf = (given: unknown): unknown =>
  typeof given === "string"
    ? inClear(given)
    : Array.isArray(given)
      ? given.map(clearOf)
      : Object.fromEntries(Object.entries(given as object).map(([key, value]) => [key, clearOf(value)]));

interface Cutting {
  /** Lengths of the pieces, over and over. */
  readonly lengths: readonly number[];
  /** Which of the texts that are not at their end goes on, over and over. */
  readonly order: readonly number[];
  readonly lineEnd: string;
  readonly step: number;
  readonly endsWithText: boolean;
}

const cutting: fc.Arbitrary<Cutting> = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
  order: fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }),
  lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
  step: fc.constantFrom(1, 2, 7, 64, 100_000),
  endsWithText: fc.boolean(),
});

interface Source {
  readonly index: number;
  readonly text: string;
  delta(piece: string): object;
}

const sourcesOf = ({ calls, ...texts }: Choice, index: number): Source[] => [
  ...Object.entries(texts).map(([field, text]) => ({ index, text, delta: (piece: string) => ({ [field]: piece }) })),
  ...calls.map(({ given }, at) => ({
    index,
    text: JSON.stringify(given),
    delta: (piece: string) => ({ tool_calls: [{ index: at, function: { arguments: piece } }] }),
  })),
];

/** Chunks in which the texts of all choices come in pieces, in any order among themselves. */
function chunksOf(choices: readonly Choice[], { lengths, order, endsWithText }: Cutting): object[] {
  const wrap = (index: number, delta: object, finish: string | null = null) => ({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index, delta, logprobs: null, finish_reason: finish }],
  });
  const chunks: object[] = choices.flatMap(({ calls }, index) => [
    wrap(index, { role: "assistant", content: "" }),
    ...calls.map(({ name }, at) =>
      wrap(index, {
        tool_calls: [{ index: at, id: `call_${index}_${at}`, type: "function", function: { name, arguments: "" } }],
      }),
    ),
  ]);
  let open = choices.flatMap(sourcesOf).map((source) => ({ source, at: 0 }));
  for (let turn = 0; open.length > 0; turn += 1) {
    const next = open[(order[turn % order.length] ?? 0) % open.length];
    if (!next) break;
    const { source } = next;
    const piece = source.text.slice(next.at, next.at + (lengths[turn % lengths.length] ?? 1));
    next.at += piece.length;
    open = open.filter(({ source: { text }, at }) => at < text.length);
    const isLast = endsWithText && !open.some((each) => each.source.index === source.index);
    chunks.push(wrap(source.index, source.delta(piece), isLast ? "stop" : null));
  }
  return [...chunks, ...choices.map((_, index) => wrap(index, {}, "stop"))];
}

function wireOf(chunks: readonly object[], lineEnd: string): Buffer {
  return Buffer.from(
    [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"]
      .map((data) => `data: ${data}${lineEnd}${lineEnd}`)
      .join(""),
  );
}

/** As the relay does it: single bytes or more at a time, whole events on. */
function throughRestorer(wire: Buffer, step: number): Buffer {
  const splitter = createSseSplitter();
  const restorer = createStreamRestorer(values);
  const out: Buffer[] = [];
  for (let at = 0; at < wire.length; at += step) {
    const events = splitter.push(wire.subarray(at, at + step));
    if (events) out.push(restorer.push(events));
  }
  return Buffer.concat([...out, restorer.end()]);
}

const messagesIn = (wire: Buffer, count: number) =>
  assembleFromStream([wire], count, options).choices.map(({ message }) => message);

describe("a streamed answer", () => {
  it("reads as if it had been restored whole, however pieces, choices, calls and bytes are parted", () => {
    const numRuns = inCiOrProving(150, 10_000);
    let calls = 0;
    fc.assert(
      fc.property(fc.array(choice, { minLength: 1, maxLength: 3 }), cutting, (choices, cut) => {
        const wire = wireOf(chunksOf(choices, cut), cut.lineEnd);
        const restored = throughRestorer(wire, cut.step);
        const whole = messagesIn(wire, choices.length).map((message) => restoreMessage(message, values));
        const messages = messagesIn(restored, choices.length);
        expect(messages).toEqual(whole);
        for (const [index, { content, refusal, calls: made }] of choices.entries()) {
          if (!/^\s*[[{]/.test(content)) expect(messages[index]?.content ?? "").toBe(inClear(content));
          expect(messages[index]?.refusal ?? "").toBe(inClear(refusal));
          for (const [at, { name, given }] of made.entries()) {
            const called = messages[index]?.tool_calls?.[at]?.function;
            expect(called?.name).toBe(values.get(name) ?? name);
            expect(JSON.parse(called?.arguments ?? "")).toEqual(clearOf(given));
            calls += 1;
          }
        }
        expect(eventData(splitEvents(restored).at(-1) ?? Buffer.alloc(0))).toBe("[DONE]");
      }),
      { numRuns },
    );
    process.stdout.write(
      `restoring streams: ${numRuns} random splits with ${calls} tool calls, 0 differ from the unsplit answer\n`,
    );
  }, 600_000);

  it("passes by reference what needs no change, whatever characters it holds", () => {
    const restorer = createStreamRestorer(values);
    for (const content of ["naïve 東京 😀", "a [b] c", "[EMAIL_00000000]", 'say "[x]"', ""]) {
      const event = wireOf([{ choices: [{ index: 0, delta: { content } }] }], "\n").subarray(
        0,
        -"data: [DONE]\n\n".length,
      );
      expect(restorer.push(event)).toBe(event);
    }
    const others = Buffer.from(": keep-alive\n\nevent: ping\ndata: {}\n\ndata: not JSON [EMAIL_3fa91c02]\n\n");
    expect(restorer.push(others)).toBe(others);
  });

  it("keeps the lines around the data it changes", () => {
    const event = Buffer.from(
      `\uFEFFid: 7\r\nevent: chunk\r\ndata: {"choices":[{"index":0,"delta":{"content":"[EMAIL_3fa91c02]"}}]}\r\n\r\n`,
    );
    expect(restoreStream(event, values).toString()).toBe(
      `\uFEFFid: 7\nevent: chunk\ndata: {"choices":[{"index":0,"delta":{"content":"jane.doe@example.com"}}]}\n\n`,
    );
  });

  it("gives out what it held before the chunk that finishes its choice, and before an error or an end", () => {
    const chunk = (delta: object, finish: string | null = null) =>
      Buffer.from(`data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
    const held = (end: Buffer): string[] => {
      const restorer = createStreamRestorer(values);
      expect(restorer.push(chunk({ content: "to [EMAIL_" })).toString()).toContain('"to "');
      return splitEvents(restorer.push(end)).map((event) => eventData(event) ?? "");
    };
    const tail = {
      id: "c",
      choices: [{ index: 0, delta: { content: "[EMAIL_" }, logprobs: null, finish_reason: null }],
    };
    for (const end of [
      chunk({}, "stop"),
      Buffer.from('data: {"error":{"message":"x"}}\n\n'),
      Buffer.from("data: [DONE]\n\n"),
    ]) {
      const [first, second] = held(end);
      expect(JSON.parse(first ?? "")).toEqual(tail);
      expect(second).toBe(eventData(end));
    }
    const restorer = createStreamRestorer(values);
    restorer.push(chunk({ content: "[EM" }));
    expect(restorer.end().toString()).toContain('"content":"[EM"');
    expect(restorer.end().length).toBe(0);
  });

  it("begins another call where the id is another, though the index is the same", () => {
    const call = (id: string | undefined, given: string) => ({
      choices: [
        {
          index: 0,
          delta: { tool_calls: [{ index: 0, ...(id && { id, type: "function" }), function: { arguments: given } }] },
        },
      ],
    });
    const wire = wireOf(
      [
        call("a", '{"x":"['),
        call("b", '{"y":"[EMAIL_3f'),
        call(undefined, 'a91c02]"}'),
        { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      ],
      "\n",
    );
    const [message] = messagesIn(restoreStream(wire, values), 1);
    expect(message?.tool_calls?.map(({ function: called }) => called?.arguments)).toEqual([
      '{"x":"[',
      '{"y":"jane.doe@example.com"}',
    ]);
  });

  it("restores parts, transcripts, annotations and custom input, as a plain answer does", () => {
    const message = {
      role: "assistant",
      content: [{ type: "text", text: "to [EMAIL_3fa91c02]" }],
      function_call: { name: "ask_SSN_00c0ffee", arguments: '{"k":"[SECRET_deadbeef]"}' },
      tool_calls: [{ index: 0, id: "c", type: "custom", custom: { name: "run", input: "mail [EMAIL_3fa91c02]" } }],
      audio: { id: "[EMAIL_3fa91c02]", transcript: "call [PHONE_00000001]" },
      annotations: [{ type: "url_citation", url_citation: { title: "[EMAIL_3fa91c02]" } }],
      reasoning_details: [{ type: "reasoning.text", text: "so [PHONE_00000001]" }],
    };
    const expected = {
      ...message,
      content: [{ type: "text", text: "to jane.doe@example.com" }],
      function_call: { name: "ask_123-45-6789", arguments: JSON.stringify({ k: values.get("[SECRET_deadbeef]") }) },
      tool_calls: [{ index: 0, id: "c", type: "custom", custom: { name: "run", input: "mail jane.doe@example.com" } }],
      audio: { id: "[EMAIL_3fa91c02]", transcript: "call +49 30 901820" },
      annotations: [{ type: "url_citation", url_citation: { title: "jane.doe@example.com" } }],
      reasoning_details: [{ type: "reasoning.text", text: "so +49 30 901820" }],
    };
    const body = restoreAnswer(Buffer.from(JSON.stringify({ choices: [{ index: 0, message }] })), values);
    expect(JSON.parse(body.toString())).toEqual({ choices: [{ index: 0, message: expected }] });
    const [event] = splitEvents(restoreStream(wireOf([{ choices: [{ index: 0, delta: message }] }], "\n"), values));
    expect(JSON.parse(eventData(event ?? body) ?? "")).toEqual({ choices: [{ index: 0, delta: expected }] });
    const untouched = Buffer.from('{ "choices": [{"message":{"content":"[EMAIL_00000000]"}}], "x": 1.0 }');
    expect(restoreAnswer(untouched, values)).toBe(untouched);
  });
});
