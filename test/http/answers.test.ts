import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { splitEvents } from "../../src/protocol/sse-event.ts";
import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, freshSession, lines, onSession, sendChat, transcript } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: CannedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startCannedUpstream();
  gateway = await startTestGateway({ env: { STATEGATE_UPSTREAM_URL: upstream.url } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const oddAnswer = `{ "id":"chatcmpl-1", "choices" : [{"message":{"content":"na\\u00efve 東京 😀","role":"assistant","refusal":null},"index":0,"finish_reason":"stop","x":1.0}],
  "object":"chat.completion","created":1,"model":"gpt-5","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14},"x_provider":{"a":[ ]}}\n`;

const json = (body: string, headers = {}) =>
  upstream.answer((response) => {
    response.writeHead(200, { "content-type": "application/json", "x-request-id": "req_1", ...headers }).end(body);
  });

const chunk = (delta: object, more: object = {}): string =>
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-5",
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  });
const usageChunk = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-5","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}`;
const chunks = [
  chunk({ role: "assistant", content: "" }),
  chunk({ content: "naïve " }),
  chunk({ content: "東京 \\n" }),
  chunk({ content: "😀" }),
  chunk({}, { finish_reason: "stop" }),
];

const sse = (data: readonly string[], lineEnd = "\n"): Buffer =>
  Buffer.from([...data, "[DONE]"].map((item) => `data: ${item}${lineEnd}${lineEnd}`).join(""));

/** Writes the bytes cut at the given places, each piece in a segment of its own. */
const stream = (bytes: Buffer, cuts: readonly number[] = []) =>
  upstream.answer(async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((one, other) => one - other), bytes.length];
    for (const [index, start] of places.entries()) {
      response.write(bytes.subarray(start, places[index + 1] ?? bytes.length));
      await new Promise(setImmediate);
    }
    response.end();
  });

const wantsUsage = { stream: true, stream_options: { include_usage: true } };
const sessions = [
  ["without a session", () => ({})],
  ["on a session", () => onSession(freshSession())],
] as const;

describe.each(sessions)("answers %s", (_, headers) => {
  it("arrive byte for byte as plain JSON", async () => {
    json(oddAnswer);
    const answer = await sendChat(gateway, ask("hi"), { headers: headers() });
    expect(answer.text).toBe(oddAnswer);
    expect(answer.headers.get("x-request-id")).toBe("req_1");
  });

  it("arrive byte for byte as a stream that shows its usage", async () => {
    const bytes = sse([...chunks, usageChunk]);
    stream(bytes);
    const answer = await sendChat(gateway, ask("hi", wantsUsage), { headers: headers() });
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(answer.text).toBe(bytes.toString());
  });

  it.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("arrive byte for byte however a stream with %s is cut into pieces", async (_name, lineEnd) => {
    const bytes = sse([...chunks, usageChunk], lineEnd);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(10_000), { maxLength: 40 }), async (cuts) => {
        stream(bytes, cuts);
        const answer = await sendChat(gateway, ask("hi", wantsUsage), { headers: headers() });
        expect(answer.text).toBe(bytes.toString());
      }),
      { numRuns: 15 },
    );
  });

  it("arrive byte for byte from a stream of single bytes", async () => {
    const bytes = sse([...chunks, usageChunk]);
    stream(bytes, Array.from(bytes.keys()));
    const answer = await sendChat(gateway, ask("hi", wantsUsage), { headers: headers() });
    expect(answer.text).toBe(bytes.toString());
  });
});

describe("a stream on a session whose client did not ask for usage", () => {
  it("loses the chunk that carries nothing but usage, and no other byte", async () => {
    const session = freshSession();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(10_000), { maxLength: 30 }), async (cuts) => {
        stream(sse([...chunks, usageChunk]), cuts);
        const answer = await sendChat(gateway, ask("hi", { stream: true }), { headers: onSession(session) });
        expect(answer.text).toBe(sse(chunks).toString());
      }),
      { numRuns: 15 },
    );
  });

  it("keeps usage that a provider sends along with a choice", async () => {
    const last = chunk({}, { finish_reason: "stop" }).replace(
      /}$/,
      ',"usage":{"prompt_tokens":9,"completion_tokens":5}}',
    );
    const bytes = sse([...chunks.slice(0, -1), last]);
    stream(bytes);
    const answer = await sendChat(gateway, ask("hi", { stream: true }), { headers: onSession(freshSession()) });
    expect(answer.text).toBe(bytes.toString());
  });

  it("is remembered whole, multi-byte characters intact", async () => {
    const session = freshSession();
    const bytes = sse([...chunks, usageChunk]);
    stream(bytes, Array.from(bytes.keys()));
    await sendChat(gateway, ask("hi", { stream: true }), { headers: onSession(session) });
    json('{"data":[]}');
    expect(await transcript(gateway, session)).toEqual(["user: hi", "assistant: naïve 東京 \\n😀"]);
  });
});

describe("streams as providers write them", () => {
  it.each([
    ["without a blank line behind the last event", sse(chunks).subarray(0, -2)],
    ["with comments between events", Buffer.from(sse(chunks).toString().replaceAll("data: {", ": ping\n\ndata: {"))],
    ["with a byte order mark", Buffer.concat([Buffer.from("\uFEFF"), sse(chunks)])],
    ["with [DONE] twice", Buffer.concat([sse(chunks), Buffer.from("data: [DONE]\n\n")])],
    ["without [DONE]", sse(chunks).subarray(0, -"data: [DONE]\n\n".length)],
    [
      "with named events and ids",
      Buffer.from(sse(chunks).toString().replaceAll("data: {", "event: chunk\nid: 1\ndata: {")),
    ],
    [
      "with Azure's first chunk",
      Buffer.concat([Buffer.from('data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n'), sse(chunks)]),
    ],
  ])("%s pass as they are and are remembered", async (_name, bytes) => {
    const session = freshSession();
    stream(bytes);
    const answer = await sendChat(gateway, ask("hi", wantsUsage), { headers: onSession(session) });
    expect(answer.bytes.equals(Buffer.from(answer.text)) ? answer.text : "").toBe(bytes.toString());
    json('{"data":[]}');
    expect((await transcript(gateway, session)).at(-1)).toBe("assistant: naïve 東京 \\n😀");
  });

  it("a content-length that an upstream gave its stream is not promised to the client", async () => {
    const bytes = sse([...chunks, usageChunk]);
    upstream.answer((response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "content-length": bytes.length }).end(bytes);
    });
    const headers = onSession(freshSession(), { "idempotency-key": "stream-with-length" });
    const first = await sendChat(gateway, ask("hi", { stream: true }), { headers });
    const again = await sendChat(gateway, ask("hi", { stream: true }), { headers });
    expect([first.text, again.text]).toEqual([sse(chunks).toString(), sse(chunks).toString()]);
  });
});

describe("the simulated upstream's odd streams through the gateway", () => {
  let simulated: TestGateway;
  beforeAll(async () => void (simulated = await startTestGateway()));
  afterAll(() => simulated.close());
  beforeEach(() => simulated.upstream.reset());

  const unnumbered = (text: string): string => text.replaceAll(/chatcmpl-sim\d+|"created":\d+|call_\d+/g, "_");

  it.each([
    "[[split]]",
    "[[chunked1]]",
    "[[crlf]]",
    "[[cr]]",
    "[[heartbeat]]",
    "[[bom]]",
    "[[azure]]",
    "[[tool:f]] [[tool:g]]",
    "[[reason]]",
    "[[refuse]]",
  ])("%s reads as it does without a gateway", async (directive) => {
    const body = ask(`${directive} naïve 東京 😀`, wantsUsage);
    const direct = await fetch(`${simulated.upstream.url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const expected = unnumbered(Buffer.from(await direct.arrayBuffer()).toString());
    const stateless = await sendChat(simulated, body);
    const session = freshSession();
    const stateful = await sendChat(simulated, body, { headers: onSession(session) });
    expect(unnumbered(stateless.text)).toBe(expected);
    expect(unnumbered(stateful.text)).toBe(expected);
    const hidden = await sendChat(simulated, ask(`${directive} naïve 東京 😀`, { stream: true }), {
      headers: onSession(freshSession()),
    });
    const shown = splitEvents(Buffer.from(expected)).map(String);
    expect(unnumbered(hidden.text)).toBe(shown.filter((event) => !event.includes('"choices":[],"usage"')).join(""));
    expect(lines(JSON.parse(simulated.upstream.log.at(-1)?.bytes.toString() ?? "").messages)).toHaveLength(1);
  });
});
