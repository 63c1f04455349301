/** G1, G2: after an erasure nothing of the user is left anywhere, whatever ran meanwhile, and nobody else is touched. */
import type { ServerResponse } from "node:http";

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { verifyReceipt } from "../../src/audit/receipt.ts";
import type { SessionRow } from "../../src/store/session-store.ts";
import type { TurnRing } from "../../src/turn/turn-ring.ts";
import type { Vault } from "../../src/vault.ts";
import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, onSession, send, sendChat, type WireAnswer, type WireRequest } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { findInClear, readFolder } from "../support/resting-bytes.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";
import { bodyOf, exportOf, openVaultOn, ownerOf } from "../support/user-exports.ts";

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

const OTHERS = inCiOrProving(9, 99);
const STREAMS = 50;
const OLD_SESSIONS = 10;
const CANARY = "canary-0f51d4be77";

interface ErasureReceipt {
  readonly receipt: { readonly counts: Readonly<Record<string, number>>; readonly [field: string]: unknown };
  readonly public_key: string;
  readonly signature: string;
}

const victim: WireRequest = { key: "sk-victim" };
const otherUser = (index: number): WireRequest => ({ key: "sk-others", headers: { "x-user-id": `other ${index}` } });

/** Answers at once, or begins and waits to be told to go on. */
function createModel(upstream: CannedUpstream) {
  const waiting: ServerResponse[] = [];
  const event = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: "a", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  upstream.answer((response, { body }) => {
    const text = body.toString("utf8");
    if (!text.includes('"messages"')) return void response.writeHead(200).end("{}");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event({ role: "assistant", content: `you said ${CANARY}` }));
    if (text.includes("[[wait]]")) waiting.push(response);
    else response.end(`${event({}, "stop")}data: [DONE]\n\n`);
  });
  return {
    waiting,
    finish(count: number): void {
      for (const response of waiting.splice(0, count)) response.end(`${event({}, "stop")}data: [DONE]\n\n`);
    },
  };
}

interface World {
  readonly replicas: readonly TestGateway[];
  readonly model: ReturnType<typeof createModel>;
  readonly vault: Vault;
}

const chat = (
  gateway: TestGateway,
  id: string,
  text: string,
  { headers, ...request }: WireRequest,
): Promise<WireAnswer> =>
  sendChat(gateway, ask(`${text} ${CANARY} ada@example.org`, { stream: true }), {
    ...request,
    headers: { ...headers, ...onSession(id) },
  });

function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("there is none");
  return item;
}

/** Rows as a backup holds them. */
interface Backup {
  readonly row: SessionRow;
  readonly sealed: readonly { readonly id: string; readonly sealed: Buffer }[];
}

async function backUp({ store }: Vault, owner: string): Promise<Backup[]> {
  const rows = await store.sessions.list(owner, { limit: 100, order: "asc" });
  return Promise.all(rows.map(async (row) => ({ row, sealed: await store.sessions.readTurns(row.key, 0, 100) })));
}

/** How much of a backup can be opened with the keys that there are now. */
async function opened({ sealer }: Vault, owner: string, backup: readonly Backup[]): Promise<number> {
  let count = 0;
  sealer.forget(owner);
  for (const { row, sealed } of backup) {
    const identity = { owner, key: row.key, incarnation: row.revision.split(".")[0] ?? "" };
    const keys = await sealer.forSession(identity).catch(() => undefined);
    const tries = [
      () => keys?.open("head", "", row.head),
      ...sealed.map((turn) => () => keys?.open("turn", turn.id, turn.sealed)),
    ];
    for (const open of tries) {
      try {
        if (open()) count += 1;
      } catch {
        // As it must be.
      }
    }
  }
  return count;
}

async function namesOf({ store }: Vault): Promise<string[]> {
  return (await store.records.list("", { limit: 10_000 })).map(({ name }) => name);
}

/** What must lie nowhere any more. */
interface Leftovers {
  readonly owner: string;
  readonly wrapped: Buffer;
}

function defineErasure(store: string, openWorld: () => Promise<World>, lookAtRest: (left: Leftovers) => Promise<void>) {
  let world: World;
  let owner: string;
  beforeAll(async () => {
    world = await openWorld();
    owner = await ownerOf(at(world.replicas, 0), victim);
    for (let index = 0; index < OTHERS; index += 1) {
      await chat(at(world.replicas, index), "chat", `hello from ${index}`, otherUser(index));
    }
    for (let index = 0; index < OLD_SESSIONS; index += 1) {
      for (const replica of world.replicas) await chat(replica, `old-${index}`, "remember", victim);
    }
  });
  const exportsOfOthers = (): Promise<string[][]> =>
    Promise.all(
      Array.from({ length: OTHERS }, (_, index) => exportOf(at(world.replicas, index), otherUser(index))),
    ).then((all) => all.map((lines) => [...bodyOf(lines)]));

  it(`wins against ${STREAMS} running streams, and nothing of the user comes back`, { timeout: 120_000 }, async () => {
    const { replicas, model, vault } = world;
    const before = await exportsOfOthers();
    const backup = await backUp(vault, owner);
    const wrapped = await vault.store.records.read(`data-key:${owner}`);
    expect(backup.length).toBe(OLD_SESSIONS);
    expect(await opened(vault, owner, backup)).toBeGreaterThan(OLD_SESSIONS);
    await send(at(replicas, 0), "/sessions/old-0/rotate", { method: "POST", ...victim });

    const streams = Array.from({ length: STREAMS }, (_, index) =>
      chat(at(replicas, index), index % 2 === 0 ? `old-${1 + (index % 9)}` : `new-${index}`, "go on [[wait]]", victim),
    );
    await vi.waitUntil(() => model.waiting.length === STREAMS, { timeout: 30_000 });
    const erasing = send(at(replicas, 0), "/me", { method: "DELETE", ...victim });
    model.finish(STREAMS / 2);
    const answer = await erasing;
    model.finish(STREAMS);
    const answers = await Promise.all(streams);
    await Promise.all(replicas.map((replica) => replica.flush()));

    expect(answer.status, answer.text).toBe(200);
    for (const { status, text } of answers) expect([status, text]).toEqual([200, expect.stringContaining("[DONE]")]);
    const receipt = answer.json<ErasureReceipt>();
    expect(verifyReceipt(vault.auditSigner.publicKey, receipt)).toBe(true);
    expect(receipt.receipt).toMatchObject({ object: "erasure.receipt", user: owner });
    expect(receipt.receipt.counts).toMatchObject({ data_keys: 1, session_links: 1 });
    expect(receipt.receipt.counts["sessions"]).toBeGreaterThanOrEqual(OLD_SESSIONS);

    expect(await vault.store.sessions.count(owner, 1_000)).toBe(0);
    expect(await vault.store.sessions.list(owner, { limit: 100, order: "asc" })).toEqual([]);
    expect((await namesOf(vault)).filter((name) => name.includes(owner))).toEqual([]);
    expect(await opened(vault, owner, backup)).toBe(0);
    for (const replica of replicas) {
      expect((await send(replica, "/sessions", victim)).json()).toMatchObject({ data: [] });
      expect((await send(replica, "/sessions/old-1/messages", victim)).status).toBe(404);
      expect(bodyOf(await exportOf(replica, victim))).toHaveLength(1);
    }
    if (!wrapped) throw new Error("there was no key to destroy");
    await lookAtRest({ owner, wrapped });
    expect(await exportsOfOthers()).toEqual(before);
    process.stdout.write(
      `erasure on ${store}: ${STREAMS} streams over ${replicas.length} gateways, 0 rows left, 0 records left, ` +
        `0 of ${backup.length} backed-up sessions open, ${OTHERS} other users' exports unchanged\n`,
    );
  });

  it("the same user may begin anew, and old rows stay closed under the new key", async () => {
    const { replicas, vault } = world;
    const [first = at(replicas, 0)] = replicas;
    await chat(first, "afresh", "hello again", victim);
    const backup = await backUp(vault, owner);
    expect(backup).toHaveLength(1);
    await send(first, "/me", { method: "DELETE", ...victim });
    await chat(first, "afresh", "hello once more", victim);
    expect(await opened(vault, owner, await backUp(vault, owner))).toBe(2);
    expect(await opened(vault, owner, backup)).toBe(0);
  });

  it("a turn from before does not slip into a session of the same name from after", async () => {
    const { replicas, model } = world;
    const [early, late] = [at(replicas, 0), at(replicas, 1)];
    const running = chat(early, "reborn", "from before [[wait]]", victim);
    await vi.waitUntil(() => model.waiting.length === 1);
    await send(late, "/me", { method: "DELETE", ...victim });
    await chat(late, "reborn", "from after", victim);
    model.finish(1);
    await running;
    const stored = await send(late, "/sessions/reborn/messages", victim);
    expect(stored.text).toContain("from after");
    expect(stored.text).not.toContain("from before");
  });

  it("every replica drops what it holds as soon as it hears of it", async () => {
    const { replicas, vault } = world;
    const last = at(replicas, replicas.length - 1);
    await chat(last, "held", "remember me", victim);
    const row = at(await vault.store.sessions.list(owner, { limit: 1, order: "desc" }), 0);
    const ring = at(rings, replicas.length - 1);
    const held = () => ring.cache.peek(row.key, row.revision.split(".")[0] ?? "");
    expect(held()).toBeDefined();
    await send(at(replicas, 0), "/me", { method: "DELETE", ...victim });
    await vi.waitUntil(() => held() === undefined, { timeout: 30_000 });
  });
}

describe("an erasure on SQLite", () => {
  let upstream: CannedUpstream;
  let gateway: TestGateway;
  let vault: Vault;
  afterAll(async () => {
    await vault.close();
    await gateway.close();
    await upstream.close();
  });
  const openWorld = async (): Promise<World> => {
    rings.length = 0;
    upstream = await startCannedUpstream();
    gateway = await startTestGateway({ env: { STATEGATE_UPSTREAM_URL: upstream.url, ...masterKeys } });
    vault = await openVaultOn(`sqlite:${gateway.folder}/stategate.db`);
    return { replicas: [gateway], model: createModel(upstream), vault };
  };
  defineErasure("SQLite", openWorld, async ({ wrapped }) => {
    const files = await readFolder(gateway.folder);
    expect(findInClear(files, [CANARY, "ada@example.org"])).toEqual([]);
    for (const [place, bytes] of files) {
      expect([place, bytes.includes(wrapped)]).toEqual([place, false]);
    }
  });
});

describeWithRedis("an erasure on Redis, with two replicas", () => {
  let redis: RedisServer;
  let upstream: CannedUpstream;
  let replicas: TestGateway[];
  let vault: Vault;
  afterAll(async () => {
    await vault.close();
    for (const replica of replicas.toReversed()) await replica.close();
    await upstream.close();
    await redis.stop();
  });
  const openWorld = async (): Promise<World> => {
    rings.length = 0;
    redis = await startRedisServer();
    upstream = await startCannedUpstream();
    const env = { STATEGATE_STORE: redis.url, STATEGATE_UPSTREAM_URL: upstream.url, ...masterKeys };
    replicas = [await startTestGateway({ env }), await startTestGateway({ env })];
    vault = await openVaultOn(redis.url);
    return { replicas, model: createModel(upstream), vault };
  };
  defineErasure("Redis", openWorld, async ({ owner, wrapped }) => {
    const client = new Redis(redis.url);
    const keys = await client.keys("*");
    // What was counted since then for limits, such as the reading of an empty list, ends by itself.
    expect(keys.filter((key) => key.includes(owner) && !key.includes("quota:"))).toEqual([]);
    const dumps = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
    for (const needle of [wrapped, Buffer.from(CANARY), Buffer.from("ada@example.org")]) {
      expect(dumps.filter((dump) => dump?.includes(needle))).toEqual([]);
    }
    client.disconnect();
  });
});
