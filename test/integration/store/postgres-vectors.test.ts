import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { openPostgresBackend } from "../../../src/store/postgres/postgres-backend.ts";
import type { SessionCommit } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import type { NearUnit, VectorSession, VectorStore } from "../../../src/store/vector-store.ts";
import { withBreaker } from "../../../src/store/with-breaker.ts";
import { type PgliteServer, startPgliteServer } from "../../support/pglite-server.ts";
import { describeWithPostgres, queryOnce, startPostgresServer } from "../../support/postgres-server.ts";
import { followUpOf, HOUR_MS, mustCommit, openingOf, uniqueName } from "../../support/store-commits.ts";
import { createHandClock, type HandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

const MODEL = { model: "model", dimensions: 3 };
const parts = { clock: Date.now, log: createRecordedLog().log, commandTimeoutMs: 20_000 };

describe("vectors in PostgreSQL with pgvector", () => {
  let server: PgliteServer;
  let clock: HandClock;
  let backend: StoreBackend;
  beforeAll(async () => {
    server = await startPgliteServer();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    clock = createHandClock();
    backend = await open();
  });
  afterEach(() => backend.close());

  const open = async (vectors = MODEL): Promise<StoreBackend> => {
    await server.forgetStatements();
    return openPostgresBackend({ address: server.address, ...parts, clock: clock.now, vectors });
  };
  const store = (): VectorStore => {
    if (!backend.vectors) throw new TypeError("vectors are held");
    return backend.vectors;
  };
  const begin = async (owner = uniqueName("owner")): Promise<{ session: VectorSession; opening: SessionCommit }> => {
    const fields = { owner, createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS, loadFrom: 0 };
    const opening = openingOf(uniqueName("session"), fields);
    await mustCommit(backend.sessions, opening);
    return { session: { owner, key: opening.key, incarnation: opening.revision.split(".")[0] ?? "" }, opening };
  };
  const near = (
    sessions: readonly VectorSession[],
    vector: readonly number[],
    minSimilarity = 0.5,
  ): Promise<NearUnit[]> =>
    store().nearest({
      owner: sessions[0]?.owner ?? "",
      keys: sessions.map(({ key }) => key),
      vector: Float32Array.from(vector),
      minSimilarity,
      limit: 9,
    });
  const unitsOf = async (...search: Parameters<typeof near>): Promise<string[]> =>
    (await near(...search)).map(({ unit }) => unit);
  const rows = async (): Promise<number> =>
    Number((await server.query("SELECT count(*) AS rows FROM stategate.vectors"))[0]?.["rows"]);
  const one = new Map([["one", Float32Array.of(1, 0, 0)]]);

  it("what is near comes nearest first, with its cosine, and what is not stays away", async () => {
    const { session } = await begin();
    await store().put(
      session,
      new Map([
        ["far", Float32Array.of(0, 0, 1)],
        ["nearly", Float32Array.of(1, 1, 0)],
        ["same", Float32Array.of(2, 0, 0)],
      ]),
    );
    const found = await near([session], [1, 0, 0]);
    expect(found.map(({ key, unit }) => [key, unit])).toEqual([
      [session.key, "same"],
      [session.key, "nearly"],
    ]);
    expect(found[0]?.similarity).toBeCloseTo(1, 3);
    expect(found[1]?.similarity).toBeCloseTo(Math.SQRT1_2, 3);
    expect(await unitsOf([session], [1, 0, 0], 0.9)).toEqual(["same"]);
  });

  it("only the sessions that are named are searched, and only the owner's own", async () => {
    const { session: mine } = await begin();
    const { session: alsoMine } = await begin(mine.owner);
    const { session: theirs } = await begin();
    for (const session of [mine, alsoMine, theirs])
      await store().put(session, new Map([[session.key, Float32Array.of(1, 0, 0)]]));
    expect(await unitsOf([mine], [1, 0, 0])).toEqual([mine.key]);
    expect(await unitsOf([mine, theirs], [1, 0, 0])).toEqual([mine.key]);
    expect((await unitsOf([mine, alsoMine], [1, 0, 0])).toSorted()).toEqual([mine.key, alsoMine.key].toSorted());
  });

  it("it is known which units have a vector; one that is there stays", async () => {
    const { session } = await begin();
    await store().put(session, one);
    await store().put(
      session,
      new Map([
        ["one", Float32Array.of(0, 1, 0)],
        ["two", Float32Array.of(0, 1, 0)],
      ]),
    );
    expect(await store().present(session, ["one", "two", "three"])).toEqual(new Set(["one", "two"]));
    expect(await unitsOf([session], [1, 0, 0])).toEqual(["one"]);
  });

  it("another model's vectors are not seen", async () => {
    const { session } = await begin();
    await store().put(session, one);
    await backend.close();
    backend = await open({ ...MODEL, model: "other" });
    expect(await store().present(session, ["one"])).toEqual(new Set());
    expect(await near([session], [1, 0, 0])).toEqual([]);
  });

  it("nothing is kept of a session that is gone, expired, another's or begun anew", async () => {
    const { session, opening } = await begin();
    await store().put({ ...session, owner: "other" }, one);
    await store().put({ ...session, incarnation: "former" }, one);
    await store().put({ ...session, key: "unknown" }, one);
    clock.advance(HOUR_MS);
    await store().put(session, one);
    clock.advance(-HOUR_MS);
    await backend.sessions.remove(opening.key);
    await store().put(session, one);
    const before = await rows();
    const { session: live } = await begin();
    await store().put(live, one);
    expect([before, await rows()]).toEqual([before, before + 1]);
    expect(await near([session], [1, 0, 0])).toEqual([]);
  });

  it("vectors go with their session: removed, swept, with its owner, or begun anew after its end", async () => {
    const before = await rows();
    const [removed, owned, ended] = [await begin(), await begin(), await begin()];
    for (const { session } of [removed, owned, ended]) await store().put(session, one);
    expect(await rows()).toBe(before + 3);
    await backend.sessions.remove(removed.session.key);
    expect(await rows()).toBe(before + 2);
    await backend.sessions.removeOwner(owned.session.owner);
    expect(await rows()).toBe(before + 1);
    clock.advance(HOUR_MS);
    expect(await near([ended.session], [1, 0, 0])).toEqual([]);
    const fields = { ...ended.opening.fields, createdAt: clock.now(), expiresAt: clock.now() + HOUR_MS };
    await mustCommit(backend.sessions, openingOf(ended.session.key, fields));
    expect(await rows()).toBe(before);
  });

  it("turns that follow leave them as they are", async () => {
    const { session, opening } = await begin();
    await store().put(session, one);
    await mustCommit(backend.sessions, followUpOf(opening));
    expect(await unitsOf([session], [1, 0, 0])).toEqual(["one"]);
  });

  it("they are found by the index where an owner has many", async () => {
    const { session } = await begin();
    await server.query(
      `INSERT INTO stategate.vectors SELECT s.id, 'model', 'many ' || n, s.owner, format('[%s,%s,1]', random(), random())::halfvec
       FROM stategate.sessions s, generate_series(1, 5000) n WHERE s.key = convert_to('${session.key}', 'UTF8')`,
    );
    await server.query("ANALYZE stategate.vectors");
    const plan = await server.query(
      `EXPLAIN SELECT unit FROM stategate.vectors
       WHERE owner = convert_to('${session.owner}', 'UTF8') AND model = 'model' ORDER BY embedding <=> '[1,0,0]'::halfvec LIMIT 9`,
    );
    expect(JSON.stringify(plan)).toContain("vectors_by_nearness");
    expect(await near([session], [0, 0, 1])).toHaveLength(9);
  });

  it("another length than the table's is refused at the start, in words", async () => {
    await expect(open({ ...MODEL, dimensions: 4 })).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/3 dimensions, and 4 are configured/),
    });
    const { session } = await begin();
    await expect(store().put(session, new Map([["long", Float32Array.of(1, 0, 0, 0)]]))).rejects.toMatchObject({
      code: "store_unavailable",
    });
  });

  it("none are held unless they are asked for", async () => {
    await server.forgetStatements();
    const plain = await openPostgresBackend({ address: server.address, ...parts });
    expect(plain.vectors).toBeUndefined();
    await plain.close();
  });

  it("a breaker guards every call", async () => {
    const outcomes: string[] = [];
    const onCall = (operation: string, outcome: string): void => void outcomes.push(`${operation} ${outcome}`);
    const guarded = withBreaker(backend, { timeoutMs: 5_000, clock: clock.now, log: parts.log, onCall }).vectors;
    const { session } = await begin();
    await guarded?.put(session, one);
    await guarded?.present(session, ["one"]);
    await guarded?.nearest({
      owner: session.owner,
      keys: [],
      vector: Float32Array.of(1, 0, 0),
      minSimilarity: 0,
      limit: 1,
    });
    await backend.close();
    await expect(guarded?.put(session, one)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(outcomes).toEqual(["putVectors ok", "findVectors ok", "findVectors ok", "putVectors unavailable"]);
  });
});

describeWithPostgres("vectors in a PostgreSQL without pgvector", () => {
  it("are refused at the start, in words", async ({ skip }) => {
    const server = await startPostgresServer();
    const address = await server.createDatabase();
    const available = await queryOnce(address, "SELECT FROM pg_available_extensions WHERE name = 'vector'");
    if (available.length > 0) {
      await server.stop();
      skip("this PostgreSQL has pgvector");
    }
    await expect(openPostgresBackend({ address, ...parts, vectors: MODEL })).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/needs the extension pgvector 0\.8; this server has none/),
    });
    await server.stop();
  });
});
