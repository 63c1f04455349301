import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import {
  ask,
  chatsOf,
  freshSession,
  lastSent,
  onSession,
  sendChat,
  transcript,
  USER_KEY,
  type WireError,
} from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const asked = (): number => chatsOf(gateway).length;
const keyed = (session: string, key: string) => onSession(session, { "idempotency-key": key });
const tried = (session: string, times: number) => onSession(session, { "x-stainless-retry-count": String(times) });

const forms = [
  ["a plain answer", {}],
  ["a stream", { stream: true }],
  ["a stream with usage", { stream: true, stream_options: { include_usage: true } }],
  ["two choices", { n: 2 }],
  ["tool calls in a stream", { stream: true, messages: [{ role: "user", content: "[[tool:f]] [[tool:g]]" }] }],
] as const;

describe("the same Idempotency-Key", () => {
  it.each(forms)("of an answered turn returns the very bytes again: %s", async (_, fields) => {
    const session = freshSession();
    const first = await sendChat(gateway, ask("hi", fields), { headers: keyed(session, "k1") });
    const again = await sendChat(gateway, ask("hi", fields), { headers: keyed(session, "k1") });
    expect(again.status).toBe(200);
    expect(again.text).toBe(first.text);
    for (const name of ["content-type", "x-request-id", "x-session-id", "x-session-turn", "cache-control"]) {
      expect(again.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(asked()).toBe(1);
    expect(await transcript(gateway, session)).toHaveLength(2);
  });

  it.each(forms)("returns the stored form after a restart, and says so: %s", async (_, fields) => {
    const session = freshSession();
    const first = await sendChat(gateway, ask("hi", fields), { headers: keyed(session, "k1") });
    await gateway.restart();
    const again = await sendChat(gateway, ask("hi", fields), { headers: keyed(session, "k1") });
    expect(asked()).toBe(1);
    expect([again.status, again.headers.get("x-session-degraded")]).toEqual([200, "stored_form"]);
    const isStream = "stream" in fields;
    expect(again.headers.get("content-type")).toMatch(isStream ? /^text\/event-stream/ : /^application\/json/);
    if (!isStream) {
      const meant = ({ choices, usage }: OpenAI.ChatCompletion) => ({
        choices: choices.map(({ index, message, finish_reason }) => ({ index, message, finish_reason })),
        tokens: [usage?.prompt_tokens, usage?.completion_tokens, usage?.total_tokens],
      });
      expect(meant(again.json())).toEqual(meant(first.json()));
    } else {
      expect(await heard(again.text)).toEqual(await heard(first.text));
    }
    expect(await transcript(gateway, session)).toHaveLength(2);
  });

  /** What the real client understands of a stream. */
  async function heard(text: string) {
    const client = new OpenAI({
      apiKey: USER_KEY,
      fetch: async () => new Response(text, { headers: { "content-type": "text/event-stream" } }),
    });
    const stream = client.chat.completions.stream({ model: "gpt-5", messages: [] });
    const { choices, usage } = await stream.finalChatCompletion();
    const tokens = usage ? [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens] : undefined;
    return {
      tokens,
      choices: choices.map(({ index, message, finish_reason }) => ({
        index,
        finish_reason,
        content: message.content,
        calls: message.tool_calls?.map(
          (call) => call.type === "function" && [call.id, call.function.name, call.function.arguments],
        ),
      })),
    };
  }

  it("with another body is refused, answered or in flight", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("hi"), { headers: keyed(session, "k1") });
    const other = await sendChat(gateway, ask("hi!"), { headers: keyed(session, "k1") });
    expect([other.status, other.json<WireError>().error.code]).toEqual([422, "idempotency_key_reused"]);
    const running = sendChat(gateway, ask("[[delay:150]]"), { headers: keyed(session, "k2") });
    while (asked() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const early = await sendChat(gateway, ask("hi!"), { headers: keyed(session, "k2") });
    expect([early.status, early.json<WireError>().error.code]).toEqual([422, "idempotency_key_reused"]);
    const same = await sendChat(gateway, ask("[[delay:150]]"), { headers: keyed(session, "k2") });
    expect([same.status, same.json<WireError>().error.code]).toEqual([409, "turn_in_flight"]);
    expect(same.headers.get("retry-after")).toBe("1");
    await running;
    expect(asked()).toBe(2);
    expect(await transcript(gateway, session)).toHaveLength(4);
  });

  it("is found again many turns later, in the stored form of its own turn", async () => {
    const session = freshSession();
    const first = await sendChat(gateway, ask("[[len:3]]"), { headers: keyed(session, "k1") });
    for (let index = 0; index < 3; index += 1) {
      await sendChat(gateway, ask("[[len:1]]"), { headers: keyed(session, `later-${index}`) });
    }
    const again = await sendChat(gateway, ask("[[len:3]]"), { headers: keyed(session, "k1") });
    expect(again.text).toBe(first.text);
    expect(again.headers.get("x-session-turn")).toBe("1");
    expect(asked()).toBe(4);
  });

  it("means nothing across sessions, users or tenants", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("hi"), { headers: keyed(session, "k1") });
    await sendChat(gateway, ask("hi there"), { headers: keyed(freshSession(), "k1") });
    await sendChat(gateway, ask("hi there"), { headers: { ...keyed(session, "k1"), "x-user-id": "ada" } });
    await sendChat(gateway, ask("hi there"), { headers: keyed(session, "k1"), key: "sk-other" });
    expect(asked()).toBe(4);
  });

  it("of a request that the upstream refused is a first try", async () => {
    const session = freshSession();
    gateway.upstream.script("hi", "hello");
    const failed = await sendChat(gateway, ask("[[error:500]]"), { headers: keyed(session, "k1") });
    expect(failed.status).toBe(500);
    const again = await sendChat(gateway, ask("[[error:500]]"), { headers: keyed(session, "k1") });
    expect(again.status).toBe(500);
    expect(asked()).toBe(2);
    const other = await sendChat(gateway, ask("hi"), { headers: keyed(session, "k1") });
    expect(other.status).toBe(200);
  });

  it("of a session still to be named asks once and answers on the same session", async () => {
    const first = await sendChat(gateway, ask("hi"), { headers: keyed("new", "k-new") });
    const again = await sendChat(gateway, ask("hi"), { headers: keyed("new", "k-new") });
    expect(again.headers.get("x-session-id")).toBe(first.headers.get("x-session-id"));
    expect(again.text).toBe(first.text);
    expect(asked()).toBe(1);
    const elsewhere = await sendChat(gateway, ask("hi"), { headers: keyed("new", "k-new"), key: "sk-other" });
    expect(elsewhere.headers.get("x-session-id")).not.toBe(first.headers.get("x-session-id"));
  });
});

describe("an SDK that counts its tries", () => {
  it.each(forms)("gets the same answer for the same body, and no model is asked: %s", async (_, fields) => {
    const session = freshSession();
    const first = await sendChat(gateway, ask("hi", fields), { headers: tried(session, 0) });
    const again = await sendChat(gateway, ask("hi", fields), { headers: tried(session, 1) });
    expect(again.text).toBe(first.text);
    expect(asked()).toBe(1);
    await gateway.restart();
    await sendChat(gateway, ask("hi", fields), { headers: tried(session, 2) });
    expect(asked()).toBe(1);
  });

  it("means two turns by two first tries", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("hi"), { headers: tried(session, 0) });
    await sendChat(gateway, ask("hi"), { headers: tried(session, 0) });
    expect(asked()).toBe(2);
    expect(await transcript(gateway, session)).toHaveLength(4);
  });

  it("retries only the newest turn: an older one with this body is another turn", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("hi"), { headers: tried(session, 0) });
    await sendChat(gateway, ask("and?"), { headers: tried(session, 0) });
    await sendChat(gateway, ask("hi"), { headers: tried(session, 1) });
    expect(asked()).toBe(3);
    expect(await transcript(gateway, session)).toHaveLength(6);
  });

  it("gives up waiting and tries again while its first try still runs: one turn, one model call", async () => {
    const session = freshSession();
    const body = ask("[[delay:200]] [[len:2]]");
    const first = sendChat(gateway, body, { headers: tried(session, 0) });
    while (asked() < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const again = await sendChat(gateway, body, { headers: tried(session, 1) });
    expect(again.text).toBe((await first).text);
    expect(asked()).toBe(1);
    expect(await transcript(gateway, session)).toHaveLength(2);
  });

  it("is served by the real client's own retries", async () => {
    const session = freshSession();
    let tries = 0;
    const client = new OpenAI({
      apiKey: USER_KEY,
      baseURL: gateway.url,
      maxRetries: 2,
      // The answer to the first try is lost on its way back.
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        tries += 1;
        if (tries > 1) return response;
        await response.arrayBuffer();
        throw new TypeError("connection reset");
      },
    });
    const { choices } = await client.chat.completions.create(
      { model: "gpt-5", messages: [{ role: "user", content: "[[len:2]]" }] },
      { headers: onSession(session) },
    );
    expect(choices[0]?.message.content).toBe("word0 word1");
    expect([tries, asked()]).toEqual([2, 1]);
    expect(await transcript(gateway, session)).toHaveLength(2);
  });
});

describe("a retry of an answer that broke off", () => {
  it.each(["delta", "replay"])("takes its place in %s mode", async (mode) => {
    const session = freshSession();
    await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(session) });
    const cut = { role: "user", content: "[[cut:2]] [[len:5]]" };
    const before = [
      { role: "user", content: "[[len:1]]" },
      { role: "assistant", content: "word0" },
    ];
    const body = { model: "gpt-5", stream: true, messages: mode === "replay" ? [...before, cut] : [cut] };
    await sendChat(gateway, body, { headers: tried(session, 0) });
    const incomplete = ["user: [[len:1]]", "assistant: word0", "user: [[cut:2]] [[len:5]]", "assistant: word0 word1"];
    expect(await transcript(gateway, session)).toEqual(incomplete);
    await sendChat(gateway, body, { headers: tried(session, 1) });
    expect(asked()).toBe(3);
    expect(lastSent(gateway)).toEqual(incomplete.slice(0, 3));
    expect(await transcript(gateway, session)).toEqual(incomplete);
  });

  it("by its Idempotency-Key also takes its place", async () => {
    const session = freshSession();
    const body = ask("[[cut:2]] [[len:5]]", { stream: true });
    await sendChat(gateway, body, { headers: keyed(session, "k1") });
    await sendChat(gateway, body, { headers: keyed(session, "k1") });
    expect(asked()).toBe(2);
    expect(await transcript(gateway, session)).toEqual(["user: [[cut:2]] [[len:5]]", "assistant: word0 word1"]);
  });
});
