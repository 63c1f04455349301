import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { startCannedUpstream } from "../support/canned-upstream.ts";
import {
  ask,
  chatsOf,
  freshSession,
  onSession,
  send,
  sendChat,
  type WireAnswer,
  type WireError,
} from "../support/http-calls.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { countTokens, startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: SimulatedUpstream;
beforeAll(async () => void (upstream = await startSimulatedUpstream({ countTokens: await countTokens() })));
afterAll(() => upstream.close());
beforeEach(() => upstream.reset());

/** Half a minute before a minute ends, on a clock that stands still. */
const clockAt = (second: number) => createHandClock(Date.UTC(2030, 0, 1, 12, 0, second));

const limited = (limits: Record<string, number>, clock = clockAt(30)): Promise<TestGateway> => {
  const named = Object.entries(limits).map(([name, value]) => [`STATEGATE_LIMITS__${name}`, String(value)]);
  const env = { STATEGATE_STORE: "memory:", ...Object.fromEntries(named) };
  return startTestGateway({ upstream, env, clock: clock.now });
};

const refused = (answer: WireAnswer) => [answer.status, answer.json<WireError>().error.code];
const OVER = [429, "rate_limit_exceeded"];
const rates = ({ headers }: WireAnswer): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-ratelimit-")));

describe("requests per minute", () => {
  it("are counted with a session and without, streamed or not; the next waits for the next minute", async () => {
    const clock = clockAt(30);
    const gateway = await limited({ REQUESTS_PER_MINUTE: 4 }, clock);
    const session = freshSession();
    const admitted = [
      await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(session) }),
      await sendChat(gateway, ask("[[len:1]]", { stream: true }), { headers: onSession(session) }),
      await sendChat(gateway, ask("[[len:1]]")),
      await send(gateway, "/embeddings", { method: "POST", body: { model: "m", input: "a" } }),
    ];
    expect(admitted.map((answer) => answer.headers.get("x-ratelimit-remaining-requests"))).toEqual([
      "3",
      "2",
      "1",
      "0",
    ]);
    upstream.reset();
    for (const stream of [false, true]) {
      for (const headers of [{}, onSession(session), onSession(freshSession())]) {
        const answer = await sendChat(gateway, ask("hi", { stream }), { headers });
        expect(refused(answer)).toEqual(OVER);
        expect(answer.headers.get("retry-after")).toBe("30");
        expect(rates(answer)).toEqual({
          "x-ratelimit-limit-requests": "4",
          "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-requests": "30s",
        });
        expect(answer.json<WireError>().error).toMatchObject({ type: "rate_limit_error", param: null });
      }
    }
    expect(upstream.log).toEqual([]);
    expect((await send(gateway, "/sessions")).json<{ data: unknown[] }>().data).toHaveLength(1);
    expect((await sendChat(gateway, ask("hi"), { key: "sk-somebody-else" })).status).toBe(200);
    clock.advance(30_000);
    expect((await sendChat(gateway, ask("hi"), { headers: onSession(session) })).status).toBe(200);
    await gateway.close();
  });

  it("count an answer that is given again, and refuse it", async () => {
    const gateway = await limited({ REQUESTS_PER_MINUTE: 2 });
    const headers = onSession(freshSession(), { "idempotency-key": "once" });
    const [first, again, over] = [
      await sendChat(gateway, ask("[[len:1]]"), { headers }),
      await sendChat(gateway, ask("[[len:1]]"), { headers }),
      await sendChat(gateway, ask("[[len:1]]"), { headers }),
    ];
    expect([first.status, again.headers.get("x-stategate-repeat"), ...refused(over)]).toEqual([200, "true", ...OVER]);
    expect(chatsOf(gateway)).toHaveLength(1);
    await gateway.close();
  });

  it("are nobody's without a credential: the upstream alone judges those", async () => {
    const gateway = await limited({ REQUESTS_PER_MINUTE: 1 });
    for (let index = 0; index < 5; index += 1) {
      const answer = await sendChat(gateway, ask("hi"), { key: undefined });
      expect(answer.status).toBe(200);
    }
    await gateway.close();
  });

  it("take the place of what the upstream says of its own; where there is no limit here, the upstream's pass", async () => {
    const canned = await startCannedUpstream();
    canned.answer((response) => {
      response.writeHead(200, {
        "content-type": "application/json",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-limit-tokens": "77",
      });
      response.end(
        JSON.stringify({
          choices: [{ index: 0, message: { role: "assistant", content: "a" }, finish_reason: "stop" }],
        }),
      );
    });
    const gateway = await startTestGateway({
      env: {
        STATEGATE_STORE: "memory:",
        STATEGATE_UPSTREAM_URL: canned.url,
        STATEGATE_LIMITS__REQUESTS_PER_MINUTE: "5",
      },
    });
    for (const headers of [{}, onSession(freshSession())]) {
      expect(rates(await sendChat(gateway, ask("hi"), { headers }))).toMatchObject({
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-limit-tokens": "77",
      });
    }
    await gateway.close();
    await canned.close();
  });
});

describe("tokens", () => {
  const forms = [
    ["a plain answer", {}, {}],
    ["a stream", { stream: true }, {}],
    ["a stream that says its usage", { stream: true, stream_options: { include_usage: true } }, {}],
  ] as const;

  it.each(
    forms.flatMap(([form, fields]) => [
      [`${form} on a session`, fields, true],
      [`${form} without one`, fields, false],
    ]),
  )("are charged when an answer has ended: %s", async (_, fields, hasSession) => {
    const gateway = await limited({ TOKENS_PER_MINUTE: 100, TOKENS_PER_DAY: 100_000 });
    const headers = hasSession ? onSession(freshSession()) : {};
    const first = await sendChat(gateway, ask("[[len:200]]", fields), { headers });
    expect([first.status, first.headers.get("x-ratelimit-remaining-tokens")]).toEqual([200, "100"]);
    expect(refused(await untilRefused(gateway, headers))).toEqual(OVER);
    await gateway.close();
  });

  it.each([false, true])(
    "are counted here where the provider says nothing of them (session: %s)",
    async (hasSession) => {
      const gateway = await limited({ TOKENS_PER_MINUTE: 150 });
      const headers = hasSession ? onSession(freshSession()) : {};
      await sendChat(gateway, ask("[[len:200]] [[usage:none]]", { stream: true }), { headers });
      expect(refused(await untilRefused(gateway, headers))).toEqual(OVER);
      await gateway.close();
    },
  );

  it("that no model was asked for cost nothing", async () => {
    const gateway = await limited({ TOKENS_PER_MINUTE: 50 });
    for (let index = 0; index < 30; index += 1) {
      expect((await sendChat(gateway, ask("[[error:500]]"), { headers: onSession(freshSession()) })).status).toBe(500);
    }
    await gateway.close();
  });
});

/** The charge follows the answer: a request that is sent at once may come before it, and be admitted. */
async function untilRefused(gateway: TestGateway, headers: Record<string, string>): Promise<WireAnswer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await sendChat(gateway, ask("[[len:1]]"), { headers });
    if (answer.status === 429 || tries === 20) return answer;
  }
}

describe("requests at once", () => {
  const hanging = (gateway: TestGateway, stream: boolean, headers: Record<string, string>) => {
    const leaving = new AbortController();
    const answer = fetch(`${gateway.url}/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer sk-test-user-1", "content-type": "application/json", ...headers },
      body: JSON.stringify(ask(stream ? "[[len:9]] [[stall:3]]" : "[[hang]]", { stream })),
      signal: leaving.signal,
    });
    answer.catch(() => undefined);
    return { answer, leave: () => leaving.abort() };
  };
  const arrived = async (gateway: TestGateway): Promise<void> => {
    while (chatsOf(gateway).length === 0) await new Promise((resolve) => setImmediate(resolve));
  };

  it.each([
    ["a stream on a session", true, true],
    ["a stream without one", true, false],
    ["a plain answer on a session", false, true],
    ["a plain answer without one", false, false],
  ])("hold their place until they have ended or the client has left: %s", async (_, stream, hasSession) => {
    const gateway = await limited({ CONCURRENT_REQUESTS: 1 });
    const headers = hasSession ? onSession(freshSession()) : {};
    const first = hanging(gateway, stream, headers);
    await arrived(gateway);
    const second = await sendChat(gateway, ask("hi"), { headers: onSession(freshSession()) });
    expect([...refused(second), second.headers.get("retry-after")]).toEqual([...OVER, "1"]);
    first.leave();
    for (let tries = 0; tries < 500; tries += 1) {
      const answer = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(freshSession()) });
      if (answer.status === 200) break;
      expect(tries).toBeLessThan(499);
    }
    // Ended by itself, its place is free as well.
    for (let index = 0; index < 3; index += 1) {
      const answer = await untilAdmitted(gateway, onSession(freshSession()));
      expect(answer.status).toBe(200);
    }
    await gateway.close();
  });

  const untilAdmitted = async (gateway: TestGateway, headers: Record<string, string>): Promise<WireAnswer> => {
    for (let tries = 0; ; tries += 1) {
      const answer = await sendChat(gateway, ask("[[len:1]]", { stream: true }), { headers });
      if (answer.status === 200 || tries === 500) return answer;
    }
  };
});

describe("sessions", () => {
  it("may be as many as the limit says, however they are made; one that ends makes room", async () => {
    const gateway = await limited({ SESSIONS: 2 });
    await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("one") });
    expect((await send(gateway, "/sessions", { method: "POST", body: { id: "two" } })).status).toBe(201);
    const over = [429, "session_limit_reached"];
    const asked = chatsOf(gateway).length;
    expect(refused(await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("three") }))).toEqual(over);
    expect(refused(await send(gateway, "/sessions", { method: "POST", body: { id: "three" } }))).toEqual(over);
    expect(chatsOf(gateway)).toHaveLength(asked);
    expect((await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("one") })).status).toBe(200);
    const unrecorded = onSession("three", { "x-session-record": "off" });
    expect((await sendChat(gateway, ask("[[len:1]]"), { headers: unrecorded })).status).toBe(200);
    await send(gateway, "/sessions/two", { method: "DELETE" });
    expect((await sendChat(gateway, ask("[[len:1]]"), { headers: onSession("three") })).status).toBe(200);
    await gateway.close();
  });
});

describe("calls of the gateway's own routes", () => {
  it("are counted together, and apart from chat", async () => {
    const gateway = await limited({ SESSION_CALLS_PER_MINUTE: 4, REQUESTS_PER_MINUTE: 1 });
    const calls = [
      await send(gateway, "/sessions"),
      await send(gateway, "/sessions/none"),
      await send(gateway, "/sessions/none/messages"),
      await send(gateway, "/me"),
    ];
    expect(calls.map(({ status }) => status)).toEqual([200, 404, 404, 200]);
    for (const path of ["/sessions", "/sessions/none", "/me", "/me/export"]) {
      const answer = await send(gateway, path);
      expect([...refused(answer), answer.headers.get("retry-after")]).toEqual([...OVER, "30"]);
    }
    expect((await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(freshSession()) })).status).toBe(200);
    await gateway.close();
  });
});

it("the real client waits for as long as it is told to, and is served then", async () => {
  const clock = clockAt(59);
  const gateway = await limited({ REQUESTS_PER_MINUTE: 1 }, clock);
  const seen: [number, string | null][] = [];
  const client = new OpenAI({
    apiKey: "sk-patient",
    baseURL: gateway.url,
    maxRetries: 1,
    fetch: async (url, init) => {
      // The gateway's minute ends while the client waits.
      if (seen.at(-1)?.[0] === 429) clock.advance(1_000);
      const response = await fetch(url, init);
      seen.push([response.status, response.headers.get("retry-after")]);
      return response;
    },
  });
  const say = () =>
    client.chat.completions.create(
      { model: "gpt-5", messages: [{ role: "user", content: "[[len:1]]" }] },
      { headers: onSession("patient") },
    );
  await say();
  const before = performance.now();
  await say();
  expect(seen).toEqual([
    [200, null],
    [429, "1"],
    [200, null],
  ]);
  expect(performance.now() - before).toBeGreaterThanOrEqual(990);
  await gateway.close();
});

it("an excess is audited once, without a name", async () => {
  const gateway = await startTestGateway({
    upstream,
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_LIMITS__REQUESTS_PER_MINUTE: "1",
      STATEGATE_ADMIN_KEY: "admin-key-of-sixteen",
    },
    clock: clockAt(30).now,
  });
  for (let index = 0; index < 5; index += 1) await sendChat(gateway, ask("hi"), { headers: onSession("a") });
  const read = await fetch(`${gateway.origin}/admin/audit?limit=100`, {
    headers: { authorization: "Bearer admin-key-of-sixteen" },
  });
  const text = await read.text();
  expect(text.match(/excess_rate_limit_exceeded/g)).toHaveLength(1);
  expect(text).toContain("requestsPerMinute");
  await gateway.close();
});
