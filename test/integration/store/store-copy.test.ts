/** Moving house between real stores, in every direction, and by the command that operators type. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { compareStores } from "../../../src/moving/compare-stores.ts";
import { copyStore } from "../../../src/moving/copy-store.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { type DynamoServer, startDynamoServer } from "../../support/dynamo-server.ts";
import { ask, said, transcript } from "../../support/fault-client.ts";
import { hasPostgres, type PostgresServer, startPostgresServer } from "../../support/postgres-server.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { describeWithRedis, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { type CommandOutcome, runOperatorCommand } from "../../support/run-operator-command.ts";
import { HOUR_MS, openingOf, turnOf, uniqueName, writeTurns } from "../../support/store-commits.ts";
import { readContents, storeContents, withRootSecret, writeContents } from "../../support/store-contents.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";
import { flipByte, openTamperedDatabase } from "../../support/tampered-database.ts";
import { startTestGateway } from "../../support/test-gateway.ts";
import { masterKeys } from "../../support/test-master-keys.ts";

const RUNS = inCiOrProving(3, 200);

let folder: TempFolder;
beforeEach(async () => {
  folder = await createTempFolder();
});
afterEach(() => folder.remove());

const { log } = createRecordedLog();
const sqliteAddress = (): string => `sqlite:${join(folder.path, `${uniqueName("store")}.db`)}`;
const openSqlite = (address = sqliteAddress()): Promise<StoreBackend> => openStore(address, { clock: Date.now, log });
const run = (args: readonly string[], input = ""): Promise<CommandOutcome> =>
  runOperatorCommand(["store", "copy", ...args], { folder: folder.path, input });

describeWithRedis("a copy of any contents holds the same", () => {
  let redis: RedisServer;
  let dynamo: DynamoServer;
  let postgres: PostgresServer | undefined;
  beforeAll(async () => {
    redis = await startRedisServer();
    dynamo = await startDynamoServer();
    if (hasPostgres) postgres = await startPostgresServer();
  });
  afterAll(() => Promise.all([redis.stop(), dynamo.stop(), postgres?.stop()]));

  const openers: Readonly<Record<string, () => Promise<StoreBackend>>> = {
    memory: async () => createMemoryBackend({ clock: Date.now }),
    sqlite: () => openSqlite(),
    redis: () => openStore(redis.url, { clock: Date.now, log, keyPrefix: uniqueName("copy") }),
    dynamodb: async () => openStore(await dynamo.createTable(), { clock: Date.now, log, commandTimeoutMs: 20_000 }),
    ...(hasPostgres && {
      postgres: async () => openStore((await postgres?.createDatabase()) ?? "", { clock: Date.now, log }),
    }),
  };
  const pairs = Object.keys(openers).flatMap((from) => Object.keys(openers).map((to) => ({ from, to })));

  it.each(pairs)("from $from to $to", async ({ from, to }) => {
    const property = fc.asyncProperty(storeContents, async (contents) => {
      const source = await openers[from]?.();
      const target = await openers[to]?.();
      if (!source || !target) throw new TypeError("no such store");
      await writeContents(source, contents);
      await copyStore({ from: source, to: target, onSession: () => undefined });
      const found: string[] = [];
      const report = { onSession: () => undefined, onDifference: (what: string) => void found.push(what) };
      await compareStores({ from: source, to: target, clock: Date.now, ...report });
      expect(found).toEqual([]);
      expect(await readContents(target)).toEqual(await readContents(source));
      await Promise.all([source.close(), target.close()]);
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it("and a gateway over it goes on where the session was", async () => {
    const source = sqliteAddress();
    const env = { ...masterKeys, STATEGATE_STORE: source };
    const before = await startTestGateway({ env, folder: folder.path });
    for (const text of ["My name is Ada.", "I play chess."])
      await ask(before.url, { session: "s", messages: [said(text)] });
    const said2 = await transcript(before.url, "s");
    await before.close();
    const copied = await run([source, redis.url]);
    expect(copied).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/1 sessions with 2 turns[^]*same, byte for byte/),
    });

    const after = await startTestGateway({ env: { ...env, STATEGATE_STORE: redis.url } });
    await ask(after.url, { session: "s", messages: [said("What is my name?")] });
    const sent = after.upstream.log.at(-1)?.body as { messages: { content: string }[] };
    expect(sent.messages.map(({ content }) => content)).toEqual(
      expect.arrayContaining(["My name is Ada.", "I play chess."]),
    );
    expect((await transcript(after.url, "s")).slice(0, 4)).toEqual(said2);
    await after.close();

    const again = await run([source, redis.url]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/has worked on the target since/) });
  });
});

describe("stategate store copy", () => {
  const fields = { owner: "owner", createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
  let source: string;
  let target: string;
  beforeEach(async () => {
    source = sqliteAddress();
    target = sqliteAddress();
    const store = await openSqlite(source);
    await writeContents(store, { sessions: [], records: withRootSecret([]), audit: [] });
    for (const key of ["one", "two"]) await writeTurns(store.sessions, openingOf(key, fields), 3);
    await store.close();
  });

  it("tells what it did, and what was there when it is called again", async () => {
    expect(await run([source, target])).toEqual({
      code: 0,
      stderr: "",
      stdout: [
        "copied 2 sessions with 6 turns, 0 records, 0 audit entries",
        "compared 2 sessions, 1 records, 0 audit entries",
        "the copy is the same, byte for byte\n",
      ].join("\n"),
    });
    expect((await run([source, target])).stdout).toContain("\n2 sessions were there already\n");
  });

  it("names the place of a single byte that differs, and fails", async () => {
    await run([source, target]);
    const database = openTamperedDatabase(target.replace("sqlite:", ""));
    const sealed = database.blob("SELECT sealed FROM turns WHERE session = 1 AND sequence = 1");
    database.run("UPDATE turns SET sealed = ? WHERE session = 1 AND sequence = 1", flipByte(sealed, 2));
    const [session] = database.sessions();
    database.close();
    const { code, stdout, stderr } = await run([source, target]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(`^session ${session?.key}: turn 1 differs\n.*differs in 1 places`),
    });
    expect(stdout).not.toContain("byte for byte");
  });

  it("lists twenty differences and counts the rest", async () => {
    const store = await openSqlite(source);
    const turn = { ...turnOf(0), sealed: randomBytes(20) };
    await Promise.all(
      Array.from({ length: 30 }, () => store.sessions.commit(openingOf(uniqueName("s"), fields, { turn }))),
    );
    await store.close();
    await run([source, target]);
    const database = openTamperedDatabase(target.replace("sqlite:", ""));
    database.run("UPDATE sessions SET head = x'00'");
    database.close();
    const { stderr } = await run([source, target]);
    expect(stderr.match(/its head differs/g)).toHaveLength(20);
    expect(stderr).toContain("\nand 12 more\n");
  });

  it("takes addresses with passwords from standard input", async () => {
    expect(await run(["-", "-"], `${source}\n${target}\n`)).toMatchObject({ code: 0, stderr: "" });
    expect(await run([source, "-"], `${target}\n`)).toMatchObject({ code: 0, stderr: "" });
  });

  it("writes nothing where it refuses", async () => {
    const store = await openSqlite(target);
    await writeContents(store, { sessions: [], records: withRootSecret([]), audit: [] });
    const before = await readContents(store);
    expect(await run([source, target])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/another root secret/),
    });
    expect(await readContents(store)).toEqual(before);
    await store.close();
  });

  it.each([
    { args: [], why: /name two store addresses/ },
    { args: ["sqlite:nowhere.db", "memory:"], why: /there is no file nowhere\.db/ },
    { args: ["memory:", "sqlite:never.db"], why: /lives inside a gateway's process/ },
    { args: ["carrier-pigeon:", "sqlite:never.db"], why: /a store address starts with/ },
    { args: ["redis://127.0.0.1:1", "sqlite:never.db"], why: /the Redis store cannot answer/ },
  ])("refuses $args", async ({ args, why }) => {
    expect(await run(args)).toMatchObject({ code: 1, stderr: expect.stringMatching(why) });
    expect([existsSync("nowhere.db"), existsSync("never.db")]).toEqual([false, false]);
  });
});
