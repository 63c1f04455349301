import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startSimulatedUpstream, type SimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, freshSession, lastSent, onSession, send, sendChat } from "../support/http-calls.ts";
import { createHandClock, type HandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: SimulatedUpstream;
beforeAll(async () => void (upstream = await startSimulatedUpstream()));
afterAll(() => upstream.close());

const MINUTE = 60_000;

async function withTtl(
  mode: "sliding" | "fixed",
  run: (gateway: TestGateway, clock: HandClock) => Promise<void>,
): Promise<void> {
  const clock = createHandClock();
  const env = {
    STATEGATE_SESSIONS__TTL__MODE: mode,
    STATEGATE_SESSIONS__TTL__SECONDS: "600",
    STATEGATE_SESSIONS__ABSOLUTE_SECONDS: "1800",
  };
  const gateway = await startTestGateway({ upstream, clock: clock.now, env });
  await run(gateway, clock);
  await gateway.close();
}

const talk = async (gateway: TestGateway, session: string) => {
  const { headers } = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(session) });
  return { mode: headers.get("x-history-mode"), expires: Date.parse(headers.get("x-session-expires") ?? "") };
};
const statusOf = async (gateway: TestGateway, session: string) => (await send(gateway, `/sessions/${session}`)).status;

describe("a session lives", () => {
  it("for its idle time after each turn, where that slides", async () => {
    await withTtl("sliding", async (gateway, clock) => {
      const session = freshSession();
      expect((await talk(gateway, session)).expires).toBe(clock.now() + 10 * MINUTE);
      clock.advance(9 * MINUTE);
      expect(await talk(gateway, session)).toEqual({ mode: "delta", expires: clock.now() + 10 * MINUTE });
      clock.advance(9 * MINUTE);
      expect(await statusOf(gateway, session)).toBe(200);
      clock.advance(MINUTE);
      expect(await statusOf(gateway, session)).toBe(404);
      expect((await send(gateway, "/sessions")).json()).toMatchObject({ data: [] });
      expect((await talk(gateway, session)).mode).toBe("new");
      expect(lastSent(gateway)).toHaveLength(1);
    });
  });

  it("no longer for being read", async () => {
    await withTtl("sliding", async (gateway, clock) => {
      const session = freshSession();
      await talk(gateway, session);
      clock.advance(9 * MINUTE);
      await send(gateway, `/sessions/${session}`);
      await send(gateway, `/sessions/${session}/messages`);
      clock.advance(2 * MINUTE);
      expect(await statusOf(gateway, session)).toBe(404);
    });
  });

  it("for its time from the start, where that is fixed", async () => {
    await withTtl("fixed", async (gateway, clock) => {
      const session = freshSession();
      const { expires } = await talk(gateway, session);
      clock.advance(9 * MINUTE);
      expect(await talk(gateway, session)).toEqual({ mode: "delta", expires });
      clock.advance(MINUTE);
      expect(await statusOf(gateway, session)).toBe(404);
      expect((await talk(gateway, session)).mode).toBe("new");
    });
  });

  it("never longer than its absolute time, however busy it is", async () => {
    await withTtl("sliding", async (gateway, clock) => {
      const session = freshSession();
      const end = clock.now() + 30 * MINUTE;
      for (let at = 0; at < 4; at += 1) {
        expect((await talk(gateway, session)).expires).toBe(Math.min(clock.now() + 10 * MINUTE, end));
        clock.advance(7 * MINUTE);
      }
      expect(await statusOf(gateway, session)).toBe(200);
      clock.advance(2 * MINUTE);
      expect(await statusOf(gateway, session)).toBe(404);
    });
  });

  it("as long after a restart as before it", async () => {
    await withTtl("sliding", async (gateway, clock) => {
      const session = freshSession();
      await talk(gateway, session);
      await gateway.restart();
      clock.advance(9 * MINUTE);
      expect(await statusOf(gateway, session)).toBe(200);
      clock.advance(MINUTE);
      await gateway.restart();
      expect(await statusOf(gateway, session)).toBe(404);
    });
  });

  it("from its creation, if nobody speaks on it", async () => {
    await withTtl("sliding", async (gateway, clock) => {
      const made = await send(gateway, "/sessions", { method: "POST", body: { id: "idle" } });
      expect(made.json()).toMatchObject({ expires_at: Math.floor((clock.now() + 10 * MINUTE) / 1000) });
      clock.advance(10 * MINUTE);
      expect(await statusOf(gateway, "idle")).toBe(404);
      expect((await send(gateway, "/sessions", { method: "POST", body: { id: "idle" } })).status).toBe(201);
    });
  });
});
