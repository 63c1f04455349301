/** The failure table's line on appending, with an outbox: what is acknowledged while the store is away is there when it is back. */
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import type { Log } from "../../src/kit/log.ts";
import {
  answered,
  ask,
  callerHeaders,
  degradedCounts,
  errorCodes,
  type Message,
  said,
  send,
  textOf,
  transcript,
} from "../support/fault-client.ts";
import { faults, mendAll } from "../support/fault-parts.ts";
import { deliveries, waitingTurns, waitUntilDelivered } from "../support/outbox-metrics.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { createHandClock, type HandClock } from "../support/store-hand-clock.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

vi.mock("../../src/store/open-store.ts", async (original) => {
  const real = await original<typeof import("../../src/store/open-store.ts")>();
  const { breakableStore } = await import("../support/fault-parts.ts");
  const breakable = breakableStore(real.openStore);
  const open: typeof real.openStore = (address, options) =>
    address.endsWith("outbox.db") ? real.openStore(address, options) : breakable(address, options);
  return { ...real, openStore: open };
});

const SESSION = "one";
const QUESTION = "hello [[len:3]]";
const REPLY = "word0 word1 word2";
const first = [`user: ${QUESTION}`, `assistant: ${REPLY}`];
const turn = (name: string): string[] => [`user: ${name} [[len:1]]`, "assistant: word0"];
/** Longer than an open circuit refuses. */
const PAUSE_MS = 1_500;

let folder: TempFolder;
let upstream: SimulatedUpstream;
let clock: HandClock;
let gateways: TestGateway[];
beforeEach(async () => {
  folder = await createTempFolder();
  upstream = await startSimulatedUpstream();
  clock = createHandClock();
  gateways = [];
});
afterEach(async () => {
  mendAll();
  for (const gateway of gateways) await gateway.close();
  await upstream.close();
  await folder.remove();
});

/** A replica keeps its outbox when it is started again under its name. */
async function start(name: string, env: Readonly<Record<string, string>>, log?: Log): Promise<TestGateway> {
  const gateway = await startTestGateway({
    clock: clock.now,
    upstream,
    env: { STATEGATE_STORE__OUTBOX: join(folder.path, `${name}.outbox.db`), ...env },
    ...(log && { log }),
  });
  gateways.push(gateway);
  return gateway;
}

const take = (at: TestGateway, name: string, stream = false, session = SESSION) =>
  ask(at.url, { session, stream, messages: [said(`${name} [[len:1]]`)] });

describe.each([
  { form: "plain", stream: false },
  { form: "streamed", stream: true },
])("with an outbox, a store that takes no turns ($form)", ({ stream }) => {
  it("ends the answer well and flagged, goes on with the session, and has all of it when it is back", async () => {
    const gateway = await start("one", { STATEGATE_STORE: "memory:" });
    await ask(gateway.url, { session: SESSION, stream, messages: [said(QUESTION)] });
    faults.store.commit = true;
    const kept = await take(gateway, "kept", stream);
    expect({ status: kept.status, text: textOf(kept), codes: errorCodes(kept), whole: kept.whole }).toEqual({
      status: 200,
      text: "word0",
      codes: [],
      whole: true,
    });
    if (stream) {
      expect(kept.comments).toEqual(["x-session-degraded: append_deferred"]);
      expect(kept.body.trimEnd().endsWith("data: [DONE]")).toBe(true);
    } else expect(kept.headers["x-session-degraded"]).toBe("append_deferred");

    faults.store.load = true;
    const next = await take(gateway, "next", stream);
    expect({ status: next.status, codes: errorCodes(next) }).toEqual({ status: 200, codes: [] });
    expect(next.headers["x-session-degraded"]).toBe("append_deferred");
    expect(upstream.log.at(-1)?.body).toMatchObject({
      messages: [said(QUESTION), answered(REPLY), said("kept [[len:1]]"), answered("word0"), said("next [[len:1]]")],
    });
    expect(await waitingTurns(gateway)).toBe(2);
    // It is the replica that has the turns: none of them is a reason to send its clients elsewhere.
    const { status, body } = await send(`${gateway.origin}/readyz`, {});
    expect({ status, parts: JSON.parse(body) as unknown }).toMatchObject({ status: 200, parts: { outbox: "ok" } });
    expect(await degradedCounts(gateway.origin)).toEqual({ append_deferred: 2 });
    mendAll();
    await waitUntilDelivered(gateway);
    expect(await transcript(gateway.url, SESSION)).toEqual([...first, ...turn("kept"), ...turn("next")]);
    const last = await take(gateway, "last", stream);
    expect(last.headers["x-session-degraded"]).toBe("append_deferred");
    expect((await take(gateway, "after", stream)).headers["x-session-degraded"]).toBeUndefined();
  });

  it("keeps a session's first turn, and those that follow it", async () => {
    const gateway = await start("one", { STATEGATE_STORE: "memory:" });
    faults.store.commit = true;
    expect(textOf(await take(gateway, "one", stream))).toBe("word0");
    faults.store.load = true;
    expect(textOf(await take(gateway, "two", stream))).toBe("word0");
    expect(await transcript(gateway.url, SESSION)).toEqual([...turn("one"), ...turn("two")]);
    mendAll();
    await waitUntilDelivered(gateway);
    expect(await transcript(gateway.url, SESSION)).toEqual([...turn("one"), ...turn("two")]);
  });

  it("refuses the delta client of a session with nothing in the outbox, and asks no model", async () => {
    const gateway = await start("one", { STATEGATE_STORE: "memory:" });
    await take(gateway, "one", stream, "other");
    const asked = upstream.log.length;
    faults.store.load = true;
    const refused = await take(gateway, "two", stream, "other");
    expect({ status: refused.status, codes: errorCodes(refused) }).toEqual({
      status: 503,
      codes: ["store_unavailable"],
    });
    expect(upstream.log.length).toBe(asked);
  });
});

describeWithRedis("with an outbox, a Redis in trouble", () => {
  let redis: RedisServer;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    redis = await startRedisServer({ appendOnly: true });
    env = { STATEGATE_STORE: redis.url, STATEGATE_STORE__TIMEOUT_MS: "1000", ...masterKeys };
  });
  afterEach(() => redis.stop());

  /** Begins a turn, and lets `trouble` come while the model thinks. */
  async function during(at: TestGateway, name: string, trouble: () => unknown) {
    const asked = upstream.log.length;
    const messages = [said(`${name} [[len:1]] [[delay:100]]`)];
    const asking = ask(at.url, { session: SESSION, stream: true, messages });
    await vi.waitFor(() => expect(upstream.log.length).toBe(asked + 1));
    await trouble();
    return asking;
  }
  const slowTurn = (name: string): string[] => [`user: ${name} [[len:1]] [[delay:100]]`, "assistant: word0"];

  it.each([
    { trouble: "frozen", begin: async () => redis.freeze(), end: async () => redis.thaw() },
    { trouble: "killed", begin: () => redis.kill(), end: () => redis.restart() },
  ])("$trouble while the model thinks: the turn is kept, and stored once", async ({ begin, end }) => {
    const lines: string[] = [];
    const record = (_fields: object, event: string): void => void lines.push(event);
    const gateway = await start("one", env, { info: record, warn: record, error: record });
    await take(gateway, "before");
    const kept = await during(gateway, "kept", begin);
    expect({ codes: errorCodes(kept), comments: kept.comments }).toEqual({
      codes: [],
      comments: ["x-session-degraded: append_deferred"],
    });
    expect(kept.events).toContain("[DONE]");
    for (const name of ["second", "third"]) expect(errorCodes(await take(gateway, name))).toEqual([]);
    await end();
    await waitUntilDelivered(gateway, () => clock.advance(PAUSE_MS));
    expect(await transcript(gateway.url, SESSION)).toEqual([
      ...turn("before"),
      ...slowTurn("kept"),
      ...turn("second"),
      ...turn("third"),
    ]);
    expect(lines.filter((line) => line.startsWith("outbox_"))).toEqual(["outbox_filling", "outbox_emptied"]);
  });

  it("a gateway that ends meanwhile delivers when it starts again, behind what another replica went on with", async () => {
    const before = await start("one", env);
    const two = await start("two", env);
    await take(before, "before");
    await during(before, "kept", () => redis.kill());
    expect(errorCodes(await take(before, "kept-too"))).toEqual([]);
    await before.close();
    await redis.restart();
    await vi.waitFor(
      async () => {
        clock.advance(PAUSE_MS);
        expect((await take(two, "elsewhere")).status).toBe(200);
      },
      { timeout: 15_000, interval: 50 },
    );
    const one = await start("one", env);
    await waitUntilDelivered(one);
    expect(await deliveries(one)).toEqual({ reappended: 2 });
    const expected = [...turn("before"), ...turn("elsewhere"), ...slowTurn("kept"), ...turn("kept-too")];
    for (const replica of [one, two]) {
      expect(await transcript(replica.url, SESSION)).toEqual(expected);
      expect((await take(replica, "after")).status).toBe(200);
      expected.push(...turn("after"));
    }
    expect(await transcript(one.url, SESSION)).toEqual(expected);
  });

  it("a session that began in the outbox and in another replica too is one afterwards", async () => {
    const one = await start("one", env);
    await during(one, "here", () => redis.kill());
    expect(errorCodes(await take(one, "here-too"))).toEqual([]);
    await one.close();
    await redis.restart();
    const two = await start("two", env);
    await take(two, "elsewhere");
    const again = await start("one", env);
    await waitUntilDelivered(again);
    for (const replica of [again, two]) {
      expect(await transcript(replica.url, SESSION)).toEqual([
        ...turn("elsewhere"),
        ...slowTurn("here"),
        ...turn("here-too"),
      ]);
    }
    expect(await deliveries(again)).toEqual({ reappended: 2 });
  });

  it("a client that replays to another replica meanwhile has each turn once after its next request", async () => {
    const before = await start("one", env);
    const two = await start("two", env);
    await take(before, "before");
    await during(before, "kept", () => redis.kill());
    await before.close();
    await redis.restart();
    const replayed = ["before [[len:1]]", "kept [[len:1]] [[delay:100]]"].flatMap((text) => [
      said(text),
      answered("word0"),
    ]);
    const replay = async (at: TestGateway, ...more: readonly Message[]): Promise<void> => {
      replayed.push(...more);
      const answer = await ask(at.url, { session: SESSION, messages: replayed });
      expect(answer.headers["x-session-degraded"]).toBeUndefined();
    };
    const isBack = async (): Promise<void> => {
      clock.advance(PAUSE_MS);
      expect(await transcript(two.url, SESSION)).toHaveLength(2);
    };
    await vi.waitFor(isBack, { timeout: 15_000, interval: 50 });
    await replay(two, said("elsewhere [[len:1]]"));
    const one = await start("one", env);
    await waitUntilDelivered(one);
    await replay(one, answered("word0"), said("last [[len:1]]"));
    expect(await transcript(two.url, SESSION)).toEqual([
      ...turn("before"),
      ...slowTurn("kept"),
      ...turn("elsewhere"),
      ...turn("last"),
    ]);
  });

  it.each([
    { what: "a session removed", path: `/sessions/${SESSION}`, begins: false, anew: false },
    { what: "a user erased", path: "/me", begins: false, anew: false },
    { what: "a user erased whose session began in the outbox", path: "/me", begins: true, anew: false },
    { what: "a user erased who began the same session anew", path: "/me", begins: true, anew: true },
  ])("$what before the turns were delivered stays so", async ({ path, begins, anew }) => {
    const before = await start("one", env);
    const two = await start("two", env);
    if (!begins) await take(before, "before");
    expect(errorCodes(await during(before, "kept", () => redis.kill()))).toEqual([]);
    await before.close();
    await redis.restart();
    await vi.waitFor(
      async () => {
        clock.advance(PAUSE_MS);
        const removed = await send(two.url + path, { method: "DELETE", headers: callerHeaders({}) });
        expect(removed.status).toBe(200);
      },
      { timeout: 15_000, interval: 50 },
    );
    if (anew) expect(errorCodes(await take(two, "anew"))).toEqual([]);
    const one = await start("one", env);
    await waitUntilDelivered(one);
    expect(await deliveries(one)).toEqual({ dropped: 1 });
    const left = anew ? turn("anew") : [];
    for (const replica of [one, two]) expect(await transcript(replica.url, SESSION)).toEqual(left);
  });
});
