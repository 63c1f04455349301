/** Garbage in one session's rows, on any store: that session answers one clear error, and everything else goes on. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { openStore } from "../../src/store/open-store.ts";
import { ask, callerHeaders, degradedCounts, errorCodes, said, send, transcript } from "../support/fault-client.ts";
import { inCiOrProving } from "../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { runOperatorCommand } from "../support/run-operator-command.ts";
import { readContents, type SessionContents, writeContents } from "../support/store-contents.ts";
import { createRecordedLog, type RecordedLog } from "../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const VICTIM = { session: "victim", key: "sk-one" };
const OLDER = { session: "older", key: "sk-one" };
const NEWER = { session: "newer", key: "sk-one" };
const STRANGER = { session: "victim", key: "sk-two" };
const everyone = [OLDER, VICTIM, NEWER, STRANGER];
const TURNS = 2;

type Poison = (session: SessionContents) => Partial<SessionContents>;

const inLastTurn =
  (sealed: Buffer): Poison =>
  ({ turns }) => ({ turns: turns.map((turn, index) => (index === TURNS - 1 ? { ...turn, sealed } : turn)) });

/** The first ones first: on SQLite, where starting anew takes longer, CI leaves it at these. */
const garbage: Readonly<Record<string, Poison>> = {
  "a random head": () => ({ head: randomBytes(900) }),
  "an empty turn": inLastTurn(Buffer.of()),
  "a revision that is none": () => ({ revision: "garbage" }),
  "an empty head": () => ({ head: Buffer.of() }),
  "a head of one byte": ({ head }) => ({ head: head.subarray(0, 1) }),
  "a random turn": inLastTurn(randomBytes(500)),
  "no turns": () => ({ turns: [] }),
  "a random slot": ({ slots }) => ({ slots: slots.map(([name]) => [name, randomBytes(40)]) }),
  "no slots": () => ({ slots: [] }),
  "another incarnation": () => ({ revision: `${randomBytes(16).toString("hex")}.9` }),
};

let folder: TempFolder;
let gateway: TestGateway;
let recorded: RecordedLog;
let env: Readonly<Record<string, string>>;
let time = Date.now();

async function begin(address: string): Promise<void> {
  recorded = createRecordedLog();
  env = { ...masterKeys, STATEGATE_STORE: address };
  // Each session is a little younger, so that the victim stands between the others.
  gateway = await startTestGateway({ env, log: recorded.log, folder: folder.path, clock: () => (time += 1) });
  for (const caller of everyone) for (let turn = 0; turn < TURNS; turn += 1) await talk(caller, turn);
}

async function talk(caller: typeof VICTIM, turn: number): Promise<void> {
  const messages = [{ role: "system", content: "be kind" }, said(`${turn} in ${caller.session} [[len:1]]`)];
  expect((await ask(gateway.url, { ...caller, messages })).status).toBe(200);
}

/** By contract alone, so that it works on any store; then the gateway starts anew and holds nothing opened. */
async function poison(address: string, change: Poison): Promise<void> {
  const store = await openStore(address, { clock: Date.now, log: createRecordedLog().log });
  const { sessions } = await readContents(store);
  const victim = sessions.toSorted((one, two) => one.fields.createdAt - two.fields.createdAt)[1];
  if (!victim) throw new Error("no victim");
  await store.sessions.remove(victim.key);
  await writeContents(store, { sessions: [{ ...victim, ...change(victim) }], records: [], audit: [] });
  await store.close();
  await gateway.restart();
}

const get = async (path: string, caller: typeof VICTIM) => {
  const answer = await send(`${gateway.url}${path}`, { headers: callerHeaders(caller) });
  return { status: answer.status, codes: errorCodes(answer), body: answer.body };
};
const listed = async (caller: typeof VICTIM): Promise<string[]> => {
  const { status, body } = await get("/sessions?order=asc", caller);
  expect(status).toBe(200);
  return (JSON.parse(body) as { data: { id: string }[] }).data.map(({ id }) => id);
};

async function expectQuarantined(): Promise<void> {
  const asked = gateway.upstream.log.length;
  const unreadable = { status: 500, codes: ["record_unreadable"] };
  for (let again = 0; again < 3; again += 1) {
    const { status, ...answer } = await ask(gateway.url, { ...VICTIM, messages: [said("more")] });
    expect({ status, codes: errorCodes({ status, ...answer }) }).toEqual(unreadable);
    for (const what of ["messages", "context"])
      expect(await get(`/sessions/victim/${what}`, VICTIM)).toMatchObject(unreadable);
  }
  expect(gateway.upstream.log.slice(asked).filter(({ method }) => method === "POST")).toEqual([]);
}

async function expectEverythingElseWorks(): Promise<void> {
  const names = await listed(VICTIM);
  expect(names.filter((name) => name !== "victim")).toEqual(["older", "newer"]);
  expect(await listed(STRANGER)).toEqual(["victim"]);
  for (const caller of [OLDER, NEWER, STRANGER]) {
    await talk(caller, TURNS);
    expect(await transcript(gateway.url, caller.session, caller)).toHaveLength(2 * TURNS + 2);
  }
  const { status, body } = await get("/me/export", VICTIM);
  const lines = body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(status).toBe(200);
  expect(lines.filter(({ object }) => object === "problem").length).toBeGreaterThan(0);
  expect(lines.filter(({ object }) => object === "session").map(({ id }) => id)).toEqual(
    expect.arrayContaining(["older", "newer"]),
  );
  expect(lines.at(-1)).toMatchObject({ object: "export.end" });
  expect(await runOperatorCommand(["keys", "rotate"], { folder: folder.path, env })).toMatchObject({ code: 0 });
}

async function expectToldOnce(): Promise<void> {
  expect(recorded.events.filter((event) => event === "session_unreadable")).toHaveLength(1);
  expect(await degradedCounts(gateway.origin)).toEqual({ session_unreadable: 1 });
}

const remove = (path: string, caller: typeof VICTIM) =>
  send(`${gateway.url}${path}`, { method: "DELETE", headers: callerHeaders(caller) });

async function expectRemovable(): Promise<void> {
  expect((await remove("/sessions/victim", VICTIM)).status).toBe(200);
  expect((await get("/sessions/victim", VICTIM)).status).toBe(404);
  await talk(VICTIM, 0);
  expect(await transcript(gateway.url, "victim", VICTIM)).toHaveLength(2);
}

async function expectErasable(): Promise<void> {
  expect((await remove("/me", VICTIM)).status).toBe(200);
  expect(await listed(VICTIM)).toEqual([]);
  await talk(VICTIM, 0);
  expect(await listed(STRANGER)).toEqual(["victim"]);
}

function definePoisons(address: () => string, kinds = Infinity): void {
  it.each(Object.entries(garbage).slice(0, kinds))("%s", async (_, change) => {
    await begin(address());
    await poison(address(), change);
    await expectQuarantined();
    await expectEverythingElseWorks();
    await expectToldOnce();
    await expectRemovable();
  });

  it("all of it at once does not stop an erasure", async () => {
    await begin(address());
    await poison(address(), (session) => ({
      ...inLastTurn(Buffer.of())(session),
      head: Buffer.of(),
      revision: "garbage",
    }));
    await expectErasable();
  });
}

beforeEach(async () => {
  folder = await createTempFolder();
});
afterEach(async () => {
  await gateway.close();
  await folder.remove();
});

describe("on SQLite, a session with", () => {
  definePoisons(() => `sqlite:${join(folder.path, "stategate.db")}`, inCiOrProving(3, Infinity));
});

describeWithRedis("on Redis, a session with", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(async () => {
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
  });
  afterAll(() => redis.stop());
  definePoisons(() => redis.url);

  /** The hash is written and evicted as a whole, so only a hand in the server does this. */
  it.each([
    ["its head", async (client: Redis, name: string) => client.hdel(name, "h")],
    ["a part of a turn", async (client: Redis, name: string) => client.hset(name, "t:1", "short")],
    [
      "all but its owner and its times",
      async (client: Redis, name: string) => client.hdel(name, "h", "r", "m", "n", "l"),
    ],
  ])("a hash that lost %s", async (_, damage) => {
    await begin(redis.url);
    const client = new Redis(redis.url);
    const names = await client.keys("stategate:session:*");
    const ages = await Promise.all(names.map(async (name) => ({ name, at: Number(await client.hget(name, "c")) })));
    const sessions = ages.toSorted((one, two) => one.at - two.at);
    expect(sessions).toHaveLength(everyone.length);
    await damage(client, sessions[1]?.name ?? "");
    client.disconnect();
    await gateway.restart();
    await expectQuarantined();
    await expectEverythingElseWorks();
    await expectToldOnce();
    await expectRemovable();
  });
});
