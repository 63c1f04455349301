import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const ours = (headers: Headers): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => /^x-(session|history|tokens|redactions|stategate)/.test(name)));

describe("an answer on a session says", () => {
  it.each([false, true])("what was made of its request (stream: %s)", async (stream) => {
    const session = freshSession();
    const say = async (text: string) => {
      const { headers } = await sendChat(gateway, ask(text, { stream }), { headers: onSession(session) });
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("vary")).toBe("Authorization");
      expect(Date.parse(headers.get("x-session-expires") ?? "")).toBeGreaterThan(Date.now() + 86_000_000);
      const { "x-session-expires": _expires, ...rest } = ours(headers);
      return rest;
    };
    const common = { "x-session-id": session, "x-history-strategy": "hybrid", "x-tokens-saved": "0" };
    expect(await say("[[len:1]]")).toEqual({
      ...common,
      "x-session-turn": "1",
      "x-history-mode": "new",
      "x-history-messages": "0/0",
    });
    expect(await say("[[len:1]]")).toEqual({
      ...common,
      "x-session-turn": "2",
      "x-history-mode": "delta",
      "x-history-messages": "2/2",
    });
    expect(await say("[[error:429]]")).toEqual({
      ...common,
      "x-session-turn": "3",
      "x-history-mode": "delta",
      "x-history-messages": "4/4",
    });
  });

  it("how many withheld values its context holds, and says nothing where there are none", async () => {
    const session = freshSession();
    const text = "[[len:1]] write to ada@example.com and grace@example.com, not to ada@example.com";
    const first = await sendChat(gateway, ask(text), { headers: onSession(session) });
    expect(first.headers.get("x-redactions-in-context")).toBeNull();
    const second = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(session) });
    expect(second.headers.get("x-redactions-in-context")).toBe("3");
  });

  it("what it saved by leaving turns out", async () => {
    const exact = await startTestGateway({
      upstream: gateway.upstream,
      env: {
        STATEGATE_HISTORY__EXACT: "true",
        STATEGATE_HISTORY__STRATEGY: "window",
        STATEGATE_HISTORY__WINDOW__TURNS: "1",
      },
    });
    const session = freshSession();
    await sendChat(exact, ask("[[len:50]]"), { headers: onSession(session) });
    await sendChat(exact, ask("[[len:1]]"), { headers: onSession(session) });
    const { headers } = await sendChat(exact, ask("now"), { headers: onSession(session) });
    expect(headers.get("x-history-messages")).toBe("2/4");
    const { promptTokens } = gateway.upstream.log.at(-1) ?? { promptTokens: 0 };
    const full = await sendChat(exact, ask("now"), {
      headers: onSession(session, { "x-history-strategy": "full", "x-session-record": "off" }),
    });
    expect(full.headers.get("x-history-messages")).toBe("6/6");
    const fullTokens = gateway.upstream.log.at(-1)?.promptTokens ?? 0;
    const lastExchange = Number(headers.get("x-tokens-saved"));
    // The full replay also holds the exchange in between.
    expect(lastExchange).toBeGreaterThan(50);
    expect(lastExchange).toBeLessThan(fullTokens - promptTokens);
    await exact.close();
  });

  it("nothing of a session when the request was refused here", async () => {
    const { headers, status } = await sendChat(gateway, "{", { headers: onSession(freshSession()) });
    expect(status).toBe(400);
    expect(ours(headers)).toEqual({});
  });
});

describe("an answer without a session", () => {
  it("says that it has no memory, and nothing else of ours", async () => {
    const direct = await fetch(`${gateway.upstream.url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ask("hi")),
    });
    await direct.arrayBuffer();
    const { headers } = await sendChat(gateway, ask("hi"));
    expect(ours(headers)).toEqual({ "x-history-mode": "stateless" });
    const added = ["x-history-mode", "cache-control", "vary"];
    const names = (from: Headers) => [...from.keys()].filter((name) => name !== "keep-alive");
    expect(names(headers).filter((name) => !added.includes(name))).toEqual(names(direct.headers));
  });
});

describe("routes for machines", () => {
  it("answer without a credential", async () => {
    expect(await (await fetch(`${gateway.origin}/healthz`)).json()).toEqual({ status: "ok" });
    const ready = await fetch(`${gateway.origin}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", store: "ok", upstream: "ok" }]);
    const metrics = await fetch(`${gateway.origin}/metrics`);
    expect(metrics.headers.get("content-type")).toContain("text/plain");
  });

  it("readiness turns red when the upstream is away", async () => {
    const away = await startTestGateway({
      upstream: gateway.upstream,
      env: { STATEGATE_UPSTREAM_URL: "http://127.0.0.1:9/v1" },
    });
    const ready = await fetch(`${away.origin}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "unavailable", store: "ok", upstream: "unavailable" },
    ]);
    await away.close();
  });
});
