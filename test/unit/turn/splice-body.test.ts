import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseChatRequest } from "../../../src/protocol/chat-request.ts";
import { spliceBody } from "../../../src/turn/splice-body.ts";

const limits = { maxDepth: 64, maxKeys: 1_000, maxValues: 1_000 };
const splice = (body: string, messages?: readonly string[], added: readonly string[] = []): string =>
  Buffer.concat([
    ...spliceBody(
      parseChatRequest(Buffer.from(body), limits),
      messages?.map((message) => Buffer.from(message)),
      added.map((member) => Buffer.from(member)),
    ),
  ]).toString();

const plain = `{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}`;

describe("splicing a body", () => {
  it("leaves it alone when nothing changes: the very buffer that came", () => {
    const chat = parseChatRequest(Buffer.from(plain), limits);
    expect(spliceBody(chat, undefined)[0]).toBe(chat.body);
    const streaming = parseChatRequest(
      Buffer.from(plain.replace("{", '{"stream":true,"stream_options":{"include_usage":true},')),
      limits,
    );
    expect(spliceBody(streaming, undefined)).toEqual([streaming.body]);
  });

  it("puts messages where they stood and touches nothing around them", () => {
    const body = ` { "x" : [1, {"messages":[0]}] ,"m\\u0065ssages":  [ {"role":"user","content":"]}"} ] , "model":"gpt-5"}\n`;
    expect(splice(body, ['{"role":"a"}', '{ "role": "b" }'])).toBe(
      ` { "x" : [1, {"messages":[0]}] ,"m\\u0065ssages":  [{"role":"a"},{ "role": "b" }] , "model":"gpt-5"}\n`,
    );
    expect(splice(plain, [])).toBe('{"model":"gpt-5","messages":[]}');
  });

  it.each([
    ["absent", '"stream":true', '"stream_options":{"include_usage":true},"stream":true'],
    ["null", '"stream":true,"stream_options":null', '"stream":true,"stream_options":{"include_usage":true}'],
    ["empty", '"stream":true,"stream_options":{}', '"stream":true,"stream_options":{"include_usage":true}'],
    [
      "false",
      '"stream":true,"stream_options":{"include_usage":false,"a":1}',
      '"stream":true,"stream_options":{"include_usage":true,"a":1}',
    ],
  ])("asks a stream for its usage where the client's wish is %s", (_, given, expected) => {
    expect(splice(plain.replace("{", `{${given},`))).toBe(plain.replace("{", `{${expected},`));
  });

  it("leaves stream options alone where nothing streams", () => {
    const body = plain.replace("{", '{"stream":false,"stream_options":{"include_usage":false},');
    expect(splice(body)).toBe(body);
  });

  it("gives a body that means the same but for messages and the wish for usage, however it is printed", () => {
    const space = fc.constantFrom("", " ", "\n", "\t\r\n  ");
    const known = new Set(["model", "messages", "stream", "stream_options", "n", "prompt_cache_key", "y\0"]);
    const extra = fc
      .dictionary(fc.string({ unit: "binary" }), fc.jsonValue(), { maxKeys: 4 })
      .map((fields) => Object.entries(fields).filter(([key]) => !known.has(key)));
    const message = fc.record({ role: fc.constant("user"), content: fc.string({ unit: "binary" }), x: fc.jsonValue() });
    fc.assert(
      fc.property(
        fc.record({
          extra,
          space,
          stream: fc.boolean(),
          given: fc.array(message),
          sent: fc.array(message),
          order: fc.nat(),
          added: fc.boolean(),
        }),
        ({ extra: fields, space: gap, stream, given, sent, order, added }) => {
          const members = [["model", "gpt-5"], ["messages", given], ["stream", stream], ...fields];
          const turned = [...members.slice(order % members.length), ...members.slice(0, order % members.length)];
          const body = `${gap}{${turned.map(([key, value]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(value)}${gap}`).join(",")}}${gap}`;
          const spliced = splice(
            body,
            sent.map((item) => JSON.stringify(item)),
            added ? ['"prompt_cache_key":"k"', '"y\\u0000":[1]'] : [],
          );
          expect(JSON.parse(spliced)).toEqual({
            ...(JSON.parse(body) as object),
            messages: JSON.parse(JSON.stringify(sent)),
            ...(stream && { stream_options: { include_usage: true } }),
            ...(added && { prompt_cache_key: "k", "y\0": [1] }),
          });
          for (const [key, value] of fields) {
            expect(spliced).toContain(`${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(value)}`);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
