/** The failure table of DESIGN.md for the client: it leaves at any moment, or reads so slowly that somebody must wait. */
import { type IncomingMessage, request as openRequest } from "node:http";

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { ask, callerHeaders, degradedCounts, said, textOf, transcript } from "../support/fault-client.ts";
import { startFloodingUpstream } from "../support/fault-upstream.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const PIECES = 5;
const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join(" ");
const QUESTION = `slow one [[len:${PIECES}]] [[slow:100]]`;
const whole = [`user: ${QUESTION}`, `assistant: ${words(PIECES)}`];
const next = ["user: next [[len:1]]", "assistant: word0"];

let sessions = 0;
const newSession = (): string => `session-${++sessions}`;

describe.each(["cancel", "finish"] as const)("a client that leaves (onDisconnect: %s)", (onDisconnect) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      env: { STATEGATE_STORE: "memory:", STATEGATE_UPSTREAM__ON_DISCONNECT: onDisconnect },
    });
  });
  afterAll(() => gateway.close());

  const lastRequest = () => gateway.upstream.log.findLast(({ path }) => path === "/v1/chat/completions");
  const expectUpstreamLeft = () =>
    vi.waitFor(() => expect(lastRequest()?.aborted).toBe(onDisconnect === "cancel"), { timeout: 5_000 });

  async function expectStored(session: string, expected: readonly string[]): Promise<void> {
    await vi.waitFor(async () => expect(await transcript(gateway.url, session)).toEqual(expected), { timeout: 5_000 });
  }

  /** The next question takes its place behind what was stored, and a retry would have taken the place of it. */
  async function expectNextTurnWorks(session: string, stored: readonly string[]): Promise<void> {
    const answer = await ask(gateway.url, { session, messages: [said("next [[len:1]]")] });
    expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: "word0" });
    expect(await transcript(gateway.url, session)).toEqual([...stored, ...next]);
    expect(await degradedCounts(gateway.origin)).toEqual({});
  }

  it.each([
    { form: "plain", stream: false },
    { form: "streamed", stream: true },
  ])("before the head of a $form answer", async ({ stream }) => {
    const session = newSession();
    const question = "thinks long [[len:2]] [[delay:300]]";
    const asked = gateway.upstream.log.length;
    const leave = new AbortController();
    const asking = ask(gateway.url, { session, stream, messages: [said(question)], signal: leave.signal });
    await vi.waitFor(() => expect(gateway.upstream.log.length).toBe(asked + 1));
    leave.abort();
    expect((await asking).whole).toBe(false);
    const stored = onDisconnect === "finish" ? [`user: ${question}`, `assistant: ${words(2)}`] : [];
    await expectUpstreamLeft();
    await expectStored(session, stored);
    await expectNextTurnWorks(session, stored);
  });

  it.each(Array.from({ length: PIECES }, (_, pieces) => pieces))("after %d pieces of a stream", async (pieces) => {
    const session = newSession();
    // Silence holds the moment still; an upstream that is to finish can only be slow.
    const pace = onDisconnect === "cancel" ? `[[stall:${pieces}]]` : "[[slow:30]]";
    const question = `slow one [[len:${PIECES}]] ${pace}`;
    const answer = await ask(gateway.url, {
      session,
      stream: true,
      messages: [said(question)],
      // The first event carries the role.
      leaveAt: (_event, count) => count === pieces + 1,
    });
    expect(answer.whole).toBe(false);
    await expectUpstreamLeft();
    const stored = storedAfter(question, pieces);
    await expectStored(session, stored);
    await expectNextTurnWorks(session, stored);
  });

  function storedAfter(question: string, pieces: number): string[] {
    if (onDisconnect === "finish") return [`user: ${question}`, `assistant: ${words(PIECES)}`];
    if (pieces === 0) return [];
    return [`user: ${question} (incomplete)`, `assistant: ${words(pieces)} (incomplete)`];
  }

  it("between the finish reason and [DONE]: the answer is complete", async () => {
    const session = newSession();
    const answer = await ask(gateway.url, {
      session,
      stream: true,
      messages: [said(QUESTION)],
      leaveAt: (event) => event.includes('"finish_reason":"stop"'),
    });
    expect(answer.events).not.toContain("[DONE]");
    await expectStored(session, whole);
    await expectNextTurnWorks(session, whole);
  });

  it("inside a tool call: no half call is stored", async () => {
    const session = newSession();
    const question = `look it up [[tool:search]] ${onDisconnect === "cancel" ? "[[stall:2]]" : "[[slow:30]]"}`;
    await ask(gateway.url, {
      session,
      stream: true,
      messages: [said(question)],
      leaveAt: (event) => event.includes('"arguments":"{'),
    });
    await expectUpstreamLeft();
    const answer = await ask(gateway.url, { session, messages: [said("next [[len:1]]")] });
    expect(answer.status).toBe(200);
    const { body } = lastRequest() ?? {};
    if (onDisconnect === "cancel") expect(JSON.stringify(body)).not.toContain("tool_calls");
  });

  it("and asks again: the retry takes the place of what was broken off", async () => {
    const session = newSession();
    const messages = [said(QUESTION)];
    const headers = { "x-stainless-retry-count": "0" };
    await ask(gateway.url, { session, stream: true, headers, messages, leaveAt: (_event, count) => count === 3 });
    await expectUpstreamLeft();
    const again = { "x-stainless-retry-count": "1" };
    const answer = await ask(gateway.url, { session, stream: true, headers: again, messages });
    expect(textOf(answer)).toBe(words(PIECES));
    await expectStored(session, whole);
    await expectNextTurnWorks(session, whole);
  });
});

describe("a client that reads slowly", () => {
  /** What the sockets between here and there hold, on any system; the answer is many times that. */
  const MAX_IN_FLIGHT_BYTES = 16 << 20;
  const ANSWER_BYTES = 48 << 20;

  it("makes the upstream wait instead of filling memory, and gets everything in the end", async () => {
    const upstream = await startFloodingUpstream(ANSWER_BYTES);
    const gateway = await startTestGateway({
      env: { STATEGATE_STORE: "memory:", STATEGATE_UPSTREAM_URL: upstream.url },
    });
    try {
      const response = await openStream(gateway.url);
      response.pause();
      await untilStill(() => upstream.sentBytes());
      expect(upstream.sentBytes()).toBeGreaterThan(0);
      expect(upstream.sentBytes()).toBeLessThan(MAX_IN_FLIGHT_BYTES);
      let received = 0;
      let end = "";
      response.on("data", (chunk: Buffer) => {
        received += chunk.length;
        end = (end + chunk.toString("latin1")).slice(-200);
      });
      response.resume();
      await new Promise((resolve) => response.once("close", resolve));
      expect(response.complete).toBe(true);
      expect(received).toBeGreaterThan(ANSWER_BYTES);
      expect(end).toContain("data: [DONE]");
    } finally {
      await gateway.close();
      await upstream.close();
    }
  });

  it("and leaves while everything waits: the upstream is let go", async () => {
    const upstream = await startFloodingUpstream(ANSWER_BYTES);
    const gateway = await startTestGateway({
      env: { STATEGATE_STORE: "memory:", STATEGATE_UPSTREAM_URL: upstream.url },
    });
    try {
      const response = await openStream(gateway.url);
      response.pause();
      await untilStill(() => upstream.sentBytes());
      response.destroy();
      await vi.waitFor(() => expect(upstream.isLeft()).toBe(true), { timeout: 5_000 });
    } finally {
      await gateway.close();
      await upstream.close();
    }
  });

  function openStream(url: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", ...callerHeaders({ session: "slow" }) };
      const request = openRequest(`${url}/chat/completions`, { method: "POST", headers }, resolve);
      request.on("error", reject);
      request.end(JSON.stringify({ model: "gpt-5", stream: true, messages: [said("flood me")] }));
    });
  }

  /** Resolves when a growing figure has stood still for a while. */
  async function untilStill(read: () => number): Promise<void> {
    let last = -1;
    let still = 0;
    while (still < 5) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      still = read() === last && last > 0 ? still + 1 : 0;
      last = read();
    }
  }
});
