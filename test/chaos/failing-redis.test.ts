/** The failure table of DESIGN.md with a real Redis that freezes or dies: before a turn, and while the model thinks. */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { answered, ask, degradedCounts, errorCodes, said, textOf, transcript } from "../support/fault-client.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createHandClock, type HandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const SESSION = "one";
const QUESTION = "hello [[len:3]]";
const REPLY = "word0 word1 word2";
const first = [`user: ${QUESTION}`, `assistant: ${REPLY}`];
const second = ["user: more [[len:1]] [[delay:100]]", "assistant: word0"];
const third = ["user: next [[len:1]]", "assistant: word0"];
/** Longer than an open circuit refuses. */
const PAUSE_MS = 1_500;

/** Longer than the driver waits where nothing is configured. */
const HELD_MS = 1_500;

const env = () => ({ STATEGATE_STORE: redis.url, ...masterKeys });

let redis: RedisServer;
let clock: HandClock;
let gateway: TestGateway;
beforeEach(async () => {
  redis = await startRedisServer({ appendOnly: true });
  clock = createHandClock();
  gateway = await startTestGateway({ clock: clock.now, env: { ...env(), STATEGATE_STORE__TIMEOUT_MS: "1000" } });
});
afterEach(async () => {
  await gateway.close();
  await redis.stop();
});

const troubles = [
  { trouble: "frozen", begin: async () => redis.freeze(), end: async () => redis.thaw() },
  { trouble: "killed", begin: () => redis.kill(), end: () => redis.restart() },
];
const rows = troubles.flatMap((row) => [
  { ...row, form: "plain", stream: false },
  { ...row, form: "streamed", stream: true },
]);

/** The next turn as soon as the store is heard of again. */
async function nextTurn(stream: boolean): Promise<void> {
  let tries = 0;
  await vi.waitFor(
    async () => {
      clock.advance(PAUSE_MS);
      // As an SDK does: a try that was written although it failed is not asked again.
      const headers = { "x-stainless-retry-count": String(tries++) };
      const next = await ask(gateway.url, { session: SESSION, stream, headers, messages: [said("next [[len:1]]")] });
      expect({ status: next.status, text: textOf(next), codes: errorCodes(next) }).toEqual({
        status: 200,
        text: "word0",
        codes: [],
      });
    },
    { timeout: 15_000, interval: 50 },
  );
}

/** The audit log tries by itself meanwhile, as often as the moment has it; its own tests count that. */
async function degradedTurns(origin: string): Promise<Record<string, number>> {
  const { audit_failed: _tries, ...ofTurns } = await degradedCounts(origin);
  return ofTurns;
}

const waitForTranscript = (): Promise<string[]> =>
  vi.waitFor(() => transcript(gateway.url, SESSION), { timeout: 15_000, interval: 50 });

describeWithRedis("a Redis in trouble", () => {
  it.each(rows)("$trouble before a turn ($form): delta is refused, replay forwarded, nothing lost", async (row) => {
    const { stream, begin, end } = row;
    await ask(gateway.url, { session: SESSION, stream, messages: [said(QUESTION)] });
    const asked = gateway.upstream.log.length;
    await begin();
    const refused = await ask(gateway.url, { session: SESSION, stream, messages: [said("more")] });
    expect({ status: refused.status, codes: errorCodes(refused), retry: refused.headers["retry-after"] }).toEqual({
      status: 503,
      codes: ["store_unavailable"],
      retry: "1",
    });
    expect(gateway.upstream.log.length).toBe(asked);
    const messages = [said(QUESTION), answered(REPLY), said("more [[len:1]] [[delay:100]]")];
    const forwarded = await ask(gateway.url, { session: SESSION, stream, messages });
    expect({ status: forwarded.status, text: textOf(forwarded) }).toEqual({ status: 200, text: "word0" });
    expect(forwarded.headers["x-session-degraded"]).toBe("load_failed");
    expect(await degradedTurns(gateway.origin)).toEqual({ load_failed: 2 });

    await end();
    await nextTurn(stream);
    expect(await waitForTranscript()).toEqual([...first, ...third]);
  });

  it.each(rows)(
    "$trouble while the model thinks ($form): the answer ends in an error, the turn whole or absent",
    async (row) => {
      const { stream, begin, end } = row;
      await ask(gateway.url, { session: SESSION, stream, messages: [said(QUESTION)] });
      const asked = gateway.upstream.log.length;
      const messages = [said("more [[len:1]] [[delay:100]]")];
      const asking = ask(gateway.url, { session: SESSION, stream, messages });
      await vi.waitFor(() => expect(gateway.upstream.log.length).toBe(asked + 1));
      await begin();
      const lost = await asking;
      expect(errorCodes(lost)).toEqual(["append_failed"]);
      expect(lost.status).toBe(stream ? 200 : 503);
      expect(lost.events).not.toContain("[DONE]");
      expect(await degradedTurns(gateway.origin)).toEqual({ append_failed: 1 });

      await end();
      await nextTurn(stream);
      // What a frozen server had received it carries out when it thaws; an answer that failed promises nothing either way.
      expect([
        [...first, ...third],
        [...first, ...second, ...third],
      ]).toContainEqual(await waitForTranscript());
    },
  );

  it("that is late is waited for as long as is configured: the turn is stored, once", async () => {
    const patient = await startTestGateway({ env: { ...env(), STATEGATE_STORE__TIMEOUT_MS: "20000" } });
    await ask(patient.url, { session: SESSION, messages: [said(QUESTION)] });
    const client = new Redis(redis.url);
    await client.call("CLIENT", "PAUSE", HELD_MS);
    client.disconnect();
    const answer = await ask(patient.url, { session: SESSION, messages: [said("next [[len:1]]")] });
    expect([answer.status, errorCodes(answer)]).toEqual([200, []]);
    expect(await transcript(patient.url, SESSION)).toEqual([...first, ...third]);
    await patient.close();
  });
});
