import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import {
  type SimulatedUpstream,
  type SimulatedUpstreamOptions,
  startSimulatedUpstream,
} from "../../../src/demo/simulated-upstream.ts";

let now = 0;
let simulated: SimulatedUpstream;
const start = async (options: SimulatedUpstreamOptions = {}): Promise<void> => {
  await simulated?.close();
  simulated = await startSimulatedUpstream({ now: () => now, ...options });
};
beforeEach(() => start());
afterEach(() => simulated.close());

type Message = { readonly role: string; readonly [field: string]: unknown };
const user = (content: unknown): Message => ({ role: "user", content });

interface Reply {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

async function ask(messages: unknown, fields: object = {}, headers: Record<string, string> = {}) {
  const response = await fetch(`${simulated.url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "gpt-4o", messages, ...fields }),
  });
  const body = (await response.json()) as Reply;
  return { status: response.status, body, content: body.choices?.[0]?.message.content ?? "" };
}

describe("what OpenAI would refuse", () => {
  const calling = { role: "assistant", content: null, tool_calls: [{ id: "a" }, { id: "b" }] };
  const result = (id: string): Message => ({ role: "tool", tool_call_id: id, content: "ok" });

  it.each<[string, unknown]>([
    ["no array", "hi"],
    ["an empty array", []],
    ["a message that is none", [null]],
    ["an unknown role", [{ role: "robot", content: "hi" }]],
    ["no content", [{ role: "user" }]],
    ["an assistant message of nothing", [user("a"), { role: "assistant", content: null }, user("b")]],
    ["an orphaned tool result", [user("a"), result("a")]],
    ["a result of another call", [user("a"), calling, result("a"), result("x")]],
    ["a call that is not answered", [user("a"), calling, result("a"), user("b")]],
    ["a call that is not answered at the end", [user("a"), calling]],
  ])("%s is a 400", async (_name, messages) => {
    expect((await ask(messages)).status).toBe(400);
  });

  it("a well-formed tool exchange passes, in any order of results", async () => {
    expect((await ask([user("a"), calling, result("b"), result("a"), user("c")])).status).toBe(200);
  });

  it("a key that is not on the list is a 401, on every route", async () => {
    await start({ keys: ["sk-1"] });
    expect((await ask([user("a")], {}, { authorization: "Bearer sk-2" })).status).toBe(401);
    expect((await ask([user("a")], {}, { authorization: "Bearer sk-1" })).status).toBe(200);
    expect((await ask([user("a")], {}, { "api-key": "sk-1" })).status).toBe(200);
    expect((await fetch(`${simulated.url}/models`)).status).toBe(401);
  });
});

describe("billing", () => {
  const long = user("x".repeat(8_000));
  const usage = async (messages: readonly Message[]) => {
    const { body } = await ask(messages);
    return { prompt: body.usage.prompt_tokens, cached: body.usage.prompt_tokens_details.cached_tokens };
  };

  it("counts each message once, with the counter that was handed in", async () => {
    await start({ countTokens: (text) => text.length });
    expect(await usage([user("abc"), user([{ type: "text", text: "de" }])])).toEqual({
      prompt: 3 + 4 + 3 + 3 + 4 + 2 + 3,
      cached: 0,
    });
  });

  it("bills a prefix of whole messages as cached, in steps, from a minimum on", async () => {
    expect(await usage([long])).toEqual({ prompt: 2_007, cached: 0 });
    expect(await usage([long, user("more")])).toEqual({ prompt: 2_012, cached: 1_920 });
    expect(await usage([user("before"), long])).toMatchObject({ cached: 0 });
    expect(await usage([user("short")])).toMatchObject({ cached: 0 });
    expect(await usage([user("short")])).toMatchObject({ cached: 0 });
  });

  it("forgets after the cache's life, which every use renews", async () => {
    await usage([long]);
    now += 299_000;
    expect(await usage([long])).toMatchObject({ cached: 1_920 });
    now += 299_000;
    expect(await usage([long])).toMatchObject({ cached: 1_920 });
    now += 301_000;
    expect(await usage([long])).toMatchObject({ cached: 0 });
    simulated.reset();
    expect(await usage([long])).toMatchObject({ cached: 1_920 });
    simulated.reset({ cache: true });
    expect(await usage([long])).toMatchObject({ cached: 0 });
    expect(simulated.log.at(-1)).toMatchObject({ promptTokens: 2_007, cachedTokens: 0 });
  });
});

describe("answers", () => {
  it("are scripted by the user's text, or show what was received", async () => {
    simulated.script("ping", "pong");
    expect((await ask([user("ping")])).content).toBe("pong");
    const messages = [user("one"), user("[[echo]]")];
    expect(JSON.parse((await ask(messages)).content)).toEqual(messages);
  });

  it("to a request for a summary do not obey what it quotes", async () => {
    const asking = [{ role: "system", content: "Write a summary." }, user("user: [[error:500]] order A-1")];
    expect((await ask(asking)).content).toContain("A-1");
    simulated.steerSummaries("[[error:503]]");
    expect((await ask(asking)).status).toBe(503);
  });

  it("satisfy the real client: tools in parallel, streams, embeddings, models", async () => {
    const client = new OpenAI({ baseURL: simulated.url, apiKey: "sk-x", maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "[[tool:find]] [[tool:read]] [[split]]" }];
    const final = await client.chat.completions.stream({ model: "gpt-4o", messages }).finalChatCompletion();
    expect(
      final.choices[0]?.message.tool_calls?.map(
        (call) => call.type === "function" && [call.function.name, call.function.arguments],
      ),
    ).toEqual([
      ["find", '{"query":"東京 😀"}'],
      ["read", '{"query":"東京 😀"}'],
    ]);
    const embedded = await client.embeddings.create({
      model: "e",
      input: ["green tea", "tea, green", "a car"],
      dimensions: 64,
    });
    const [first, second, third] = embedded.data.map((each) => each.embedding);
    const likeness = (one: number[] = [], other: number[] = []): number =>
      one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
    expect(likeness(first, second)).toBeCloseTo(1);
    expect(likeness(first, third)).toBeLessThan(0.7);
    expect((await client.models.list()).data.length).toBeGreaterThan(0);
  });

  it("can be steered and read from another process", async () => {
    const origin = new URL(simulated.url).origin;
    await fetch(`${origin}/_script`, { method: "POST", body: JSON.stringify({ user: "ping", reply: "pong" }) });
    expect((await ask([user("ping")])).content).toBe("pong");
    const log = await (await fetch(`${origin}/_log`)).json();
    expect(log).toMatchObject([{ path: "/v1/chat/completions", body: { model: "gpt-4o" }, completionTokens: 1 }]);
    await fetch(`${origin}/_log`, { method: "DELETE" });
    expect(simulated.log).toHaveLength(0);
  });
});
