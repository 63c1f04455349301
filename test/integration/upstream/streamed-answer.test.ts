import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import { assembleFromJson, createAnswerAssembler } from "../../../src/protocol/assemble-answer.ts";
import type { ChatAnswer } from "../../../src/protocol/chat-answer.ts";
import { createSseSplitter } from "../../../src/protocol/sse-splitter.ts";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import { chatRequest, exchange, openTestUpstream } from "./upstream-harness.ts";

let simulated: SimulatedUpstream;
let upstream: Upstream;

beforeAll(async () => {
  simulated = await startSimulatedUpstream();
  upstream = openTestUpstream(simulated.url);
});
afterAll(async () => {
  await upstream.close();
  await simulated.close();
});

const options = { keepReasoning: true };

async function ask(
  text: string,
  fields: object = {},
): Promise<{ answer: ChatAnswer; forwarded: string; chunks: number }> {
  const request = chatRequest(text, { stream: true, stream_options: { include_usage: true }, ...fields });
  const splitter = createSseSplitter();
  const assembler = createAnswerAssembler("n" in fields ? Number(fields.n) : 1, options);
  const forwarded: Buffer[] = [];
  const { chunks } = await exchange(upstream, request, (_call, all) => {
    const whole = splitter.push(all.at(-1) ?? Buffer.alloc(0));
    if (whole === undefined) return;
    forwarded.push(whole);
    assembler.add(whole);
  });
  expect(Buffer.concat([...forwarded, splitter.rest()]).equals(Buffer.concat(chunks))).toBe(true);
  return { answer: assembler.answer(), forwarded: Buffer.concat(forwarded).toString(), chunks: chunks.length };
}

const plain = async (text: string, fields: object = {}): Promise<ChatAnswer | undefined> => {
  const { chunks } = await exchange(upstream, chatRequest(text, fields));
  return assembleFromJson(Buffer.concat(chunks), options);
};

/** Ids are minted per answer. */
const withoutIds = (answer: ChatAnswer | undefined): unknown =>
  JSON.parse(JSON.stringify({ ...answer, id: 0 }).replaceAll(/call_\d+/g, "call"));

describe("an answer that is streamed through socket, splitter and assembler", () => {
  it.each([
    "",
    "[[split]]",
    "[[chunked1]]",
    "[[crlf]] [[split]]",
    "[[cr]] [[split]]",
    "[[bom]] [[heartbeat]] [[chunked1]]",
    "[[azure]]",
    "[[nodone]]",
    "[[donetwice]]",
    "[[reason]]",
    "[[refuse]]",
    "[[tool:find]] [[tool:read]]",
    "[[tool:find]] [[crlf]] [[chunked1]]",
    "[[usage:none]]",
  ])("%s is the same as the plain one", async (directives) => {
    const text = `naïve café 東京 😀 ${directives}`;
    const { answer } = await ask(text);
    expect(answer.complete).toBe(true);
    expect(withoutIds(answer)).toEqual(withoutIds(await plain(text)));
  });

  it("single bytes arrive as such", async () => {
    const { chunks, forwarded } = await ask("[[chunked1]]");
    expect(chunks).toBeGreaterThan(Buffer.byteLength(forwarded) / 2);
  });

  it("of several choices is the same too", async () => {
    const { answer } = await ask("three please", { n: 3 });
    expect(answer.choices).toHaveLength(3);
    expect(withoutIds(answer)).toEqual(withoutIds(await plain("three please", { n: 3 })));
  });

  it("is incomplete when it was cut, and only whole events were released", async () => {
    const { answer, forwarded } = await ask("[[cut:2]] [[len:5]] [[split]]");
    expect(answer).toMatchObject({
      complete: false,
      choices: [{ finishReason: null, message: { content: "word0 word1" } }],
    });
    expect(forwarded.endsWith("\n\n")).toBe(true);
  });

  it("is incomplete when an error event ended it", async () => {
    const { answer, forwarded } = await ask("[[fail:1]] [[len:5]]");
    expect(answer).toMatchObject({ complete: false, choices: [{ message: { content: "word0" } }] });
    expect(forwarded).toContain('data: {"error":');
  });

  it("passes over a frame that is not JSON", async () => {
    expect((await ask("[[garbage]] [[len:2]]")).answer).toMatchObject({
      complete: true,
      choices: [{ message: { content: "word0 word1" } }],
    });
    expect(await plain("[[garbage]]")).toBeUndefined();
  });
});
