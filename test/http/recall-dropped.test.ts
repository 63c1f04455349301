import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import type { KeptSession } from "../../src/turn/recall-shelf.ts";
import type { TurnRing } from "../../src/turn/turn-ring.ts";
import { ask, freshSession, onSession, send, sendChat, type WireRequest } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { ownerOf } from "../support/user-exports.ts";

const rings = vi.hoisted((): TurnRing[] => []);
vi.mock("../../src/turn/turn-ring.ts", async (original) => {
  const real = await original<typeof import("../../src/turn/turn-ring.ts")>();
  return {
    ...real,
    createTurnRing(ports: Parameters<typeof real.createTurnRing>[0]) {
      const ring = real.createTurnRing(ports);
      rings.push(ring);
      return ring;
    },
  };
});

let gateway: TestGateway;
beforeAll(async () => {
  const env = {
    STATEGATE_HISTORY__STRATEGY: "semantic",
    STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "2",
    STATEGATE_HISTORY__EXACT: "true",
  };
  gateway = await startTestGateway({ env });
});
afterAll(() => gateway.close());

function ringOf(): TurnRing {
  const ring = rings.at(-1);
  if (!ring) throw new Error("the gateway has no ring");
  return ring;
}

/** A session whose front only its index holds, and the store. */
async function indexedSession(caller: WireRequest): Promise<{ session: string; held: KeptSession }> {
  const session = freshSession();
  for (const text of [
    "My sister keeps bees in Lisbon.",
    "It rains.",
    "It snows.",
    "What does my sister keep in Lisbon?",
  ]) {
    await sendChat(gateway, ask(text), { ...caller, headers: onSession(session) });
  }
  await gateway.flush();
  const { links, cache } = ringOf();
  const { ref } = await links.locate(await ownerOf(gateway, caller), session);
  const opened = await cache.load(ref);
  if (!opened) throw new Error("the session is not there");
  expect(opened.front.turns).toBeGreaterThan(0);
  return { session, held: { session: opened, kept: opened.active } };
}

describe("what was indexed to be recalled", () => {
  it.each([
    ["its session is deleted", (session: string) => `/sessions/${session}`],
    ["its user is erased", () => "/me"],
  ])("is held no longer when %s", async (why, pathOf) => {
    const caller: WireRequest = { key: `sk-${why.replaceAll(" ", "-")}` };
    const { session, held } = await indexedSession(caller);
    const { recall } = ringOf();
    expect((await recall.indexOf(held)).turnCount).toBeGreaterThan(0);
    expect((await send(gateway, pathOf(session), { ...caller, method: "DELETE" })).status).toBeLessThan(300);
    // Its front is neither here nor in the store any more.
    await expect(recall.indexOf(held)).rejects.toThrow("older records are missing");
  });
});
