import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, chatsOf, freshSession, lastSent, onSession, send, sendChat, transcript } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const exchange = (index: number): object[] => [
  { role: "user", content: `[[len:2]] question ${index}` },
  { role: "assistant", content: "word0 word1" },
];
const replayOf = (turns: number, question: string): object => ({
  model: "gpt-5",
  messages: [
    ...Array.from({ length: turns }, (_, index) => exchange(index)).flat(),
    { role: "user", content: question },
  ],
});

/** A session of short delta turns. */
async function talked(turns: number): Promise<string> {
  const session = freshSession();
  for (let index = 0; index < turns; index += 1) {
    await sendChat(gateway, ask(`[[len:2]] question ${index}`), { headers: onSession(session) });
  }
  return session;
}

describe("X-History-Mode", () => {
  it("delta: everything sent is new, also what looks like a replay", async () => {
    const session = await talked(1);
    const { headers } = await sendChat(gateway, replayOf(1, "next"), {
      headers: onSession(session, { "x-history-mode": "delta" }),
    });
    expect(headers.get("x-history-mode")).toBe("delta");
    expect(await transcript(gateway, session)).toHaveLength(2 + 4);
  });

  it("replay: a single message is the whole conversation", async () => {
    const session = await talked(2);
    const { headers } = await sendChat(gateway, ask("only this"), {
      headers: onSession(session, { "x-history-mode": "REPLAY" }),
    });
    expect(headers.get("x-history-mode")).toBe("edited");
    expect(lastSent(gateway)).toEqual(["user: only this"]);
  });

  it("off: the session is neither read nor written", async () => {
    const session = await talked(1);
    const { headers } = await sendChat(gateway, ask("aside"), {
      headers: onSession(session, { "x-history-mode": "off" }),
    });
    expect(headers.get("x-history-mode")).toBe("stateless");
    expect(headers.get("x-session-id")).toBeNull();
    expect(lastSent(gateway)).toEqual(["user: aside"]);
    expect(await transcript(gateway, session)).toHaveLength(2);
  });
});

describe("X-History-Strategy", () => {
  it.each(["full", "summary", "hybrid"])("%s sends all of a short history", async (strategy) => {
    const session = await talked(12);
    const { headers } = await sendChat(gateway, ask("now"), {
      headers: onSession(session, { "x-history-strategy": strategy }),
    });
    expect(headers.get("x-history-strategy")).toBe(strategy);
    expect(headers.get("x-history-messages")).toBe("24/24");
    expect(lastSent(gateway)).toHaveLength(25);
  });

  it("window sends no more than the newest turns when it sends exactly so many", async () => {
    const exact = await startTestGateway({
      upstream: gateway.upstream,
      env: { STATEGATE_HISTORY__EXACT: "true", STATEGATE_HISTORY__WINDOW__TURNS: "3" },
    });
    const session = freshSession();
    const headers = onSession(session, { "x-history-strategy": "window" });
    for (let index = 0; index < 6; index += 1) await sendChat(exact, ask(`[[len:1]] ${index}`), { headers });
    const answer = await sendChat(exact, ask("now"), { headers });
    expect(answer.headers.get("x-history-messages")).toBe("6/12");
    expect(lastSent(exact)[0]).toBe("user: [[len:1]] 3");
    expect(await transcript(exact, session)).toHaveLength(14);
    await exact.close();
  });

  it("named when a session is created, holds for its turns unless a request says otherwise", async () => {
    const session = freshSession();
    await send(gateway, "/sessions", { method: "POST", body: { id: session, strategy: "full" } });
    const plain = await sendChat(gateway, ask("one"), { headers: onSession(session) });
    expect(plain.headers.get("x-history-strategy")).toBe("full");
    const named = await sendChat(gateway, ask("two"), {
      headers: onSession(session, { "x-history-strategy": "window" }),
    });
    expect(named.headers.get("x-history-strategy")).toBe("window");
    const after = await sendChat(gateway, ask("three"), { headers: onSession(session) });
    expect(after.headers.get("x-history-strategy")).toBe("full");
  });
});

describe("X-Session-Record: off", () => {
  it("uses the history and adds nothing to it", async () => {
    const session = await talked(1);
    const before = (await send(gateway, `/sessions/${session}`)).text;
    await sendChat(gateway, ask("off the record"), { headers: onSession(session, { "x-session-record": "off" }) });
    expect(lastSent(gateway)).toEqual(["user: [[len:2]] question 0", "assistant: word0 word1", "user: off the record"]);
    expect(await transcript(gateway, session)).toHaveLength(2);
    expect((await send(gateway, `/sessions/${session}`)).text).toBe(before);
  });

  it("leaves no trace of a session that it named first", async () => {
    const session = freshSession();
    const { status } = await sendChat(gateway, ask("off the record"), {
      headers: onSession(session, { "x-session-record": "off" }),
    });
    expect(status).toBe(200);
    expect((await send(gateway, `/sessions/${session}`)).status).toBe(404);
  });

  it("promises no life that it does not give", async () => {
    let now = Date.now();
    const timed = await startTestGateway({ upstream: gateway.upstream, clock: () => now });
    const session = freshSession();
    const first = await sendChat(timed, ask("hi"), { headers: onSession(session) });
    now += 3_600_000;
    const off = { "x-session-record": "off" };
    const second = await sendChat(timed, ask("hi"), { headers: onSession(session, off) });
    expect(second.headers.get("x-session-expires")).toBe(first.headers.get("x-session-expires"));
    const unknown = await sendChat(timed, ask("hi"), { headers: onSession(freshSession(), off) });
    expect(unknown.headers.get("x-session-expires")).toBeNull();
    await timed.close();
  });

  it("does not make its request the one that a later retry repeats", async () => {
    const session = await talked(1);
    const headers = onSession(session, { "x-stainless-retry-count": "0" });
    await sendChat(gateway, ask("aside"), { headers: { ...headers, "x-session-record": "off" } });
    await sendChat(gateway, ask("aside"), { headers: { ...headers, "x-stainless-retry-count": "1" } });
    expect(chatsOf(gateway)).toHaveLength(3);
    expect(await transcript(gateway, session)).toHaveLength(4);
  });
});

describe("X-Session-Id: new", () => {
  it("mints a name of 256 bits that goes on as a session", async () => {
    const first = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("new") });
    const minted = first.headers.get("x-session-id") ?? "";
    expect(minted).toMatch(/^[\w-]{43}$/);
    await sendChat(gateway, ask("two"), { headers: onSession(minted) });
    expect(lastSent(gateway)).toEqual(["user: [[len:1]]", "assistant: word0", "user: two"]);
    const second = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("new") });
    expect(second.headers.get("x-session-id")).not.toBe(minted);
  });

  it("mints a UUID where the configuration says so", async () => {
    const uuids = await startTestGateway({
      upstream: gateway.upstream,
      env: { STATEGATE_SESSIONS__ID_FORMAT: "uuid4" },
    });
    const { headers } = await sendChat(uuids, ask("hi"), { headers: onSession("new") });
    expect(headers.get("x-session-id")).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    await uuids.close();
  });
});

describe("other places that name a session", () => {
  let aliased: TestGateway;
  beforeAll(async () => {
    aliased = await startTestGateway({
      upstream: gateway.upstream,
      env: {
        STATEGATE_IDENTITY__SESSION_ID_FROM: "metadata.session_id,prompt_cache_key,x-session-affinity,conversation",
      },
    });
  });
  afterAll(() => aliased.close());

  it.each([
    ["metadata.session_id", (id: string) => ({ fields: { metadata: { session_id: id } }, headers: {} })],
    ["prompt_cache_key", (id: string) => ({ fields: { prompt_cache_key: id }, headers: {} })],
    ["conversation", (id: string) => ({ fields: { conversation: id }, headers: {} })],
    ["x-session-affinity", (id: string) => ({ fields: {}, headers: { "x-session-affinity": id } })],
  ])("%s is one where it is listed, and nothing where it is not", async (_name, named) => {
    const session = freshSession();
    const { fields, headers } = named(session);
    const first = await sendChat(aliased, ask("[[len:1]]", fields), { headers });
    expect(first.headers.get("x-session-id")).toBe(session);
    await sendChat(aliased, ask("two"), { headers: onSession(session) });
    expect(lastSent(aliased)).toEqual(["user: [[len:1]]", "assistant: word0", "user: two"]);
    const ignored = await sendChat(gateway, ask("one", fields), { headers });
    expect(ignored.headers.get("x-history-mode")).toBe("stateless");
  });

  it("may agree with the header, but not contradict it", async () => {
    const session = freshSession();
    const agreed = await sendChat(aliased, ask("hi", { prompt_cache_key: session }), { headers: onSession(session) });
    expect(agreed.headers.get("x-session-id")).toBe(session);
    const contradicted = await sendChat(aliased, ask("hi", { prompt_cache_key: "other" }), {
      headers: onSession(session),
    });
    expect([contradicted.status, contradicted.json<{ error: { code: string } }>().error.code]).toEqual([
      400,
      "conflicting_session_id",
    ]);
  });

  it("leave a request without any of them stateless and byte for byte", async () => {
    const body = ` {"model":"gpt-5" ,"messages":[{"role":"user","content":"hi"}]}`;
    const { headers } = await sendChat(aliased, body);
    expect(headers.get("x-history-mode")).toBe("stateless");
    expect(chatsOf(aliased).at(-1)?.bytes.toString()).toBe(body);
  });
});
