import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { assembleFromJson, createAnswerAssembler } from "../../../src/protocol/assemble-answer.ts";
import { createSseSplitter } from "../../../src/protocol/sse-splitter.ts";
import { createStreamTranscript } from "../../../src/turn/stream-transcript.ts";

interface Message {
  readonly content: string | null;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: string }[];
}

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
const message: fc.Arbitrary<Message> = fc.record({
  content: fc.option(text),
  calls: fc.array(fc.record({ id: fc.uuid(), name: text, input: text }), { maxLength: 3 }),
});
const pieceLength = fc.integer({ min: 1, max: 9 });

/** UTF-16 units, not characters: a provider may part a surrogate pair, JSON escapes carry the halves. */
const piecesOf = (value: string, length: number): string[] =>
  Array.from({ length: Math.ceil(value.length / length) }, (_, index) =>
    value.slice(index * length, (index + 1) * length),
  );

function deltasOf({ content, calls }: Message, length: number): object[] {
  const openings = calls.map(({ id, name }, index) => ({
    index,
    id,
    type: "function",
    function: { name, arguments: "" },
  }));
  const inputs = calls.map(({ input }) => piecesOf(input, length));
  const longest = Math.max(0, ...inputs.map((pieces) => pieces.length));
  const interleaved = Array.from({ length: longest }, (_, at) =>
    inputs.flatMap((pieces, index) =>
      pieces[at] === undefined ? [] : [{ index, function: { arguments: pieces[at] } }],
    ),
  );
  return [
    { role: "assistant", content: null },
    ...piecesOf(content ?? "", length).map((piece) => ({ content: piece })),
    ...[...openings.map((call) => [call]), ...interleaved].map((each) => ({ tool_calls: each })),
  ];
}

function wire(messages: readonly Message[], length: number, lineEnd: string): Buffer {
  const chunks = messages.map((each, index) => [
    ...deltasOf(each, length).map((delta) => ({ choices: [{ index, delta, finish_reason: null }] })),
    { choices: [{ index, delta: {}, finish_reason: "stop" }] },
  ]);
  const longest = Math.max(...chunks.map((list) => list.length));
  const interleaved = Array.from({ length: longest }, (_, at) => chunks.flatMap((list) => list[at] ?? [])).flat();
  return Buffer.from(interleaved.map((chunk) => `data: ${JSON.stringify(chunk)}${lineEnd}${lineEnd}`).join(""));
}

const plainBody = (messages: readonly Message[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      choices: messages.map(({ content, calls }, index) => ({
        index,
        message: {
          content,
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: "function",
            function: { name, arguments: input },
          })),
        },
        finish_reason: "stop",
      })),
    }),
  );

const noise = fc.constantFrom(
  ": ping\n\n",
  "\n",
  "event: x\r\n\r\n",
  "data: [DONE]\n\n",
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n',
  'data: {"error":{"message":"東京"}}\r\r',
  'data: {"choices":[{"del\n\n',
  'data: {"id":"one",\ndata: "choices":[{"index":1,"delta":{"content":"two lines 😀"}}]}\n\n',
);
const cuts = fc.oneof(fc.constant("every byte" as const), fc.array(fc.nat(4_000), { maxLength: 20 }));

describe("an answer assembled while it flows", () => {
  it("is the one assembled from all of its bytes, wherever they were cut", () => {
    const parts = fc.array(fc.oneof(noise, message), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(parts, pieceLength, fc.constantFrom("\n", "\r\n"), cuts, (given, length, end, where) => {
        const bytes = Buffer.concat(
          given.map((part) => (typeof part === "string" ? Buffer.from(part) : wire([part], length, end))),
        );
        const splitter = createSseSplitter();
        const transcript = createStreamTranscript({ expectedChoices: 1, keepReasoning: false, keepBytes: true });
        const inside = where === "every byte" ? [...bytes.keys()] : where.toSorted((one, other) => one - other);
        let from = 0;
        for (const to of [...inside, bytes.length]) {
          const whole = splitter.push(bytes.subarray(from, Math.max(from, to)));
          if (whole) transcript.add(whole);
          from = Math.max(from, to);
        }
        transcript.add(splitter.rest());
        const atOnce = createAnswerAssembler(1, { keepReasoning: false });
        atOnce.add(bytes);
        const { answer, endsInError, bytes: kept } = transcript.read();
        expect(answer).toEqual(atOnce.answer());
        expect(endsInError).toBe(atOnce.endsInError());
        expect(kept).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a stream and a plain body", () => {
  it("of one answer assemble to the same, however it was cut into deltas, choices and chunks", () => {
    const messages = fc.array(message, { minLength: 1, maxLength: 3 });
    const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
    const step = fc.constantFrom(1, 2, 3, 7, 64, 4_096);
    fc.assert(
      fc.property(messages, pieceLength, lineEnd, step, (given, length, end, chunkBytes) => {
        const bytes = wire(given, length, end);
        const splitter = createSseSplitter();
        const assembler = createAnswerAssembler(given.length, { keepReasoning: false });
        for (let at = 0; at < bytes.length; at += chunkBytes) {
          const whole = splitter.push(bytes.subarray(at, at + chunkBytes));
          if (whole !== undefined) assembler.add(whole);
        }
        const answer = assembler.answer();
        expect(answer.complete).toBe(true);
        expect(answer).toEqual(assembleFromJson(plainBody(given), { keepReasoning: false }));
      }),
      { numRuns: 500 },
    );
  });
});
