import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import type { SessionCommit, SessionStore } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { broken, type DynamoCall, throttled, type Verdict } from "../../support/dynamo-proxy.ts";
import { useDynamoWorld } from "../../support/dynamo-world.ts";
import { createRandom } from "../../support/pii/random.ts";
import {
  followUpOf,
  HOUR_MS,
  mustCommit,
  openingOf,
  turnOf,
  uniqueName,
  writeTurns,
} from "../../support/store-commits.ts";

const DAY_MS = 24 * HOUR_MS;
const KB = 1_024;
/** What is tidied up behind an answer is done when it is done. */
const SOON = { timeout: 20_000 };

const world = useDynamoWorld();

const rowsOf = async (kind: "1#turn" | "2#slot"): Promise<string[]> =>
  (await world().items("session#")).map(({ sk }) => sk).filter((sk) => sk.startsWith(kind));
const isHeadWrite = ({ operation, body }: DynamoCall): boolean =>
  operation === "PutItem" && body.includes('"lastSequence"');
/** Holds the next request of this kind; resolves when it is there, to what lets it go on. */
const holdNext = (isMeant: (call: DynamoCall) => boolean): Promise<() => void> =>
  new Promise((isThere) => {
    let held = false;
    world().proxy.decide((call) => {
      if (held || !isMeant(call)) return "pass";
      held = true;
      return new Promise<Verdict>((goOn) => isThere(() => goOn("pass")));
    });
  });

describe("requests", () => {
  const callsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    world().proxy.forget();
    await work();
    return [...world().proxy.calls];
  };

  it("a load is one query, cold, behind and current", async () => {
    const slots = new Map([["system", Buffer.alloc(2_000)]]);
    const commits = await writeTurns(world().backend.sessions, { ...world().opening(), slots }, 12);
    const [{ key }, second, , last] = commits;
    const load = (known?: SessionCommit): Promise<unknown> =>
      world().backend.sessions.load(key, known && { revision: known.revision, sequence: known.turn?.sequence ?? -1 });
    for (const known of [undefined, second, last, commits.at(-1)]) {
      expect(await callsOf(() => load(known))).toEqual(["Query"]);
    }
  });

  it("a turn is written in two steps, the rows and then the head", async () => {
    const opening = world().opening();
    expect(await callsOf(() => mustCommit(world().backend.sessions, opening))).toEqual(Array(3).fill("PutItem"));
    const next = followUpOf(opening);
    expect(await callsOf(() => mustCommit(world().backend.sessions, next))).toEqual(["PutItem", "PutItem"]);
  });

  it("a replica that loaded the session writes as fast, one that did not reads its head first", async () => {
    const commits = await writeTurns(world().backend.sessions, world().opening(), 2);
    const [loaded, fresh] = [await world().open(), await world().open()];
    await loaded.sessions.load(commits[0].key);
    const third = followUpOf(commits[1] ?? commits[0]);
    expect(await callsOf(() => mustCommit(loaded.sessions, third))).toEqual(["PutItem", "PutItem"]);
    const fourth = followUpOf(third);
    expect(await callsOf(() => mustCommit(fresh.sessions, fourth))).toEqual(["GetItem", "PutItem", "PutItem"]);
    expect((await world().backend.sessions.load(fourth.key))?.turns).toHaveLength(4);
  });

  it("a list is a query and one read of all heads, and nothing but a scan scans", async () => {
    const { sessions } = world().backend;
    const opening = world().opening();
    const { owner } = opening.fields;
    await mustCommit(sessions, opening);
    for (let index = 0; index < 20; index++) {
      await mustCommit(sessions, openingOf(uniqueName("session"), opening.fields));
    }
    expect(await callsOf(() => sessions.list(owner, { limit: 50, order: "desc" }))).toEqual(["Query", "BatchGetItem"]);
    world().proxy.forget();
    await sessions.count(owner, 9);
    await sessions.readTurns(opening.key, 0, 9);
    await sessions.removeOwner(owner);
    await world().backend.records.list("a", { limit: 9 });
    await world().backend.audit.latest({ limit: 9 });
    expect(world().proxy.calls).not.toContain("Scan");
    expect(await callsOf(() => sessions.scan(undefined))).toEqual(["Scan"]);
  });

  it("a session beyond a megabyte takes a query for each, and what comes before loadFrom is not read", async () => {
    const { sessions } = world().backend;
    const large = (sequence: number) => ({ ...turnOf(sequence), sealed: randomBytes(300 * KB) });
    let last = { ...world().opening(), turn: large(0) };
    await mustCommit(sessions, last);
    for (let sequence = 1; sequence < 7; sequence++) {
      last = { ...followUpOf(last), turn: large(sequence) };
      await mustCommit(sessions, last);
    }
    expect(await callsOf(() => sessions.load(last.key))).toEqual(["Query", "Query"]);
    await mustCommit(sessions, followUpOf(last, { fields: { ...last.fields, loadFrom: 5 } }));
    expect(await callsOf(() => sessions.load(last.key))).toEqual(["Query"]);
    expect((await sessions.load(last.key))?.turns.map(({ sequence }) => sequence)).toEqual([5, 6, 7]);
  });
});

describe("large rows", () => {
  it("turns and slots are split over items that DynamoDB takes, and come back whole", async () => {
    const sealed = randomBytes(1_000 * KB);
    const slots = new Map([["system", randomBytes(500 * KB)]]);
    const opening = { ...world().opening(), turn: { ...turnOf(0), sealed }, slots };
    await mustCommit(world().backend.sessions, opening);
    expect(await rowsOf("1#turn")).toHaveLength(3);
    expect(await rowsOf("2#slot")).toHaveLength(2);
    const session = await world().backend.sessions.load(opening.key);
    expect(session?.turns[0]?.sealed.equals(sealed)).toBe(true);
    expect(session?.slots).toEqual(slots);
  });

  it("a slot that was replaced leaves nothing behind", async () => {
    const opening = { ...world().opening(), slots: new Map([["system", randomBytes(500 * KB)]]) };
    await mustCommit(world().backend.sessions, opening);
    const next = followUpOf(opening, { slots: new Map([["system", Buffer.from("short")]]) });
    await mustCommit(world().backend.sessions, next);
    await expect.poll(() => rowsOf("2#slot"), SOON).toHaveLength(1);
    await mustCommit(world().backend.sessions, followUpOf(next, { slots: new Map([["system", null]]) }));
    await expect.poll(() => rowsOf("2#slot"), SOON).toEqual([]);
  });
});

describe("writers that race", () => {
  it("the rows of one who will lose are never seen, and go when it has lost", async () => {
    const base = world().opening();
    await mustCommit(world().backend.sessions, base);
    const other = await world().open();
    await other.sessions.load(base.key);
    const [slow, fast] = [followUpOf(base, { slots: new Map([["a", Buffer.from("slow")]]) }), followUpOf(base)];

    const isHeld = holdNext(isHeadWrite);
    const losing = world().backend.sessions.commit(slow);
    const goOn = await isHeld;
    expect(await rowsOf("1#turn")).toHaveLength(2);
    expect((await other.sessions.load(base.key))?.turns).toEqual([base.turn]);
    await mustCommit(other.sessions, fast);
    const last = followUpOf(fast);
    await mustCommit(other.sessions, last);
    expect((await other.sessions.load(base.key))?.turns).toEqual([base.turn, fast.turn, last.turn]);
    expect(await other.sessions.readTurns(base.key, 0, 2)).toEqual([base.turn, fast.turn]);
    expect(await other.sessions.readTurns(base.key, 1, 2)).toEqual([fast.turn]);

    goOn();
    expect(await losing).toMatchObject({ committed: false, current: { revision: last.revision } });
    await expect.poll(() => rowsOf("1#turn"), SOON).toHaveLength(3);
    await expect.poll(() => rowsOf("2#slot"), SOON).toEqual([]);
  });

  it("a writer that died between rows and head harms nobody, and its rows end by themselves", async () => {
    const base = world().opening();
    await mustCommit(world().backend.sessions, base);
    world().proxy.decide((call) => (isHeadWrite(call) ? broken : "pass"));
    const lost = followUpOf(base);
    await expect(world().backend.sessions.commit(lost)).rejects.toMatchObject({ code: "store_unavailable" });
    world().proxy.decide(() => "pass");
    const rival = followUpOf(base);
    const last = followUpOf(rival);
    await mustCommit(world().backend.sessions, rival);
    await mustCommit(world().backend.sessions, last);
    expect((await world().backend.sessions.load(base.key))?.turns).toEqual([base.turn, rival.turn, last.turn]);
    expect(await world().backend.sessions.readTurns(base.key, 0, 2)).toEqual([base.turn, rival.turn]);
    const orphan = (await world().items("session#")).find(({ sk }) => sk.includes(lost.turn?.id ?? "?"));
    expect(orphan?.deleteAt).toBeLessThanOrEqual((base.fields.expiresAt + 7 * DAY_MS) / 1_000 + 1);
  });

  it("a commit whose answer was lost is acknowledged all the same, and repeated", async () => {
    const base = world().opening();
    await mustCommit(world().backend.sessions, base);
    let isLost = false;
    world().proxy.decide((call) => {
      if (isLost || !isHeadWrite(call)) return "pass";
      isLost = true;
      return "lose";
    });
    const next = followUpOf(base, { slots: new Map([["system", Buffer.from("s")]]) });
    expect(await world().backend.sessions.commit(next)).toEqual({ committed: true });
    expect(await world().backend.sessions.commit(next)).toEqual({ committed: true });
    expect((await world().backend.sessions.load(base.key))?.turns).toEqual([base.turn, next.turn]);
    await expect.poll(() => rowsOf("2#slot"), SOON).toHaveLength(1);
  });

  it("a commit that is repeated after others went on keeps its turn", async () => {
    const commits = await writeTurns(world().backend.sessions, world().opening(), 4);
    const [base, second] = commits;
    const fresh = await world().open();
    expect(await fresh.sessions.commit(second ?? base)).toMatchObject({ committed: false });
    await fresh.close();
    expect((await world().backend.sessions.load(base.key))?.turns).toEqual(commits.map(({ turn }) => turn));
  });
});

describe("replicas that race while answers are lost and requests refused", () => {
  const TURNS = 8;

  /** Every turn is appended until it is known to be there: an outage is answered by the same commit again. */
  const append = async ({ sessions }: StoreBackend, key: string, id: string): Promise<void> => {
    for (let commit: SessionCommit | undefined; ;) {
      try {
        commit ??= await nextCommit(sessions, key, id);
        const outcome = await sessions.commit(commit);
        if (outcome.committed || outcome.current?.turns.some((turn) => turn.id === id)) return;
        commit = undefined;
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    }
  };

  it("every turn is there once, in one order, and ranges agree", async () => {
    const opening = world().opening();
    await mustCommit(world().backend.sessions, opening);
    const random = createRandom(7);
    world().proxy.decide(() => {
      const percent = random.below(100);
      if (percent < 8) return "lose";
      return percent < 16 ? throttled : "pass";
    });
    const replicas = [world().backend, ...(await Promise.all([anotherReplica(), anotherReplica()]))];
    const ids = replicas.map(() => Array.from({ length: TURNS }, () => randomBytes(16).toString("hex")));
    await Promise.all(
      replicas.map(async (replica, index) => {
        for (const id of ids[index] ?? []) await append(replica, opening.key, id);
      }),
    );
    world().proxy.decide(() => "pass");
    const { turns = [] } = (await world().backend.sessions.load(opening.key)) ?? {};
    expect(turns.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 1 + 3 * TURNS }, (_, at) => at));
    expect(
      turns
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids.flat().toSorted());
    for (const own of ids) {
      expect(turns.map(({ id }) => id).filter((id) => own.includes(id))).toEqual(own);
    }
    for (const from of [0, 5, 11, 24]) {
      expect(await world().backend.sessions.readTurns(opening.key, from, from + 7)).toEqual(
        turns.slice(from, from + 7),
      );
    }
  });

  const anotherReplica = async (): Promise<StoreBackend> => {
    for (;;) {
      const opened = await world()
        .open()
        .catch(() => undefined);
      if (opened) return opened;
    }
  };
  const nextCommit = async (sessions: SessionStore, key: string, id: string): Promise<SessionCommit> => {
    const session = await sessions.load(key);
    if (!session) throw new TypeError("the session is there");
    const [incarnation, number] = session.revision.split(".");
    const turn = { ...turnOf(session.turns.length), id };
    const revision = `${incarnation}.${Number(number) + 1}`;
    const head = randomBytes(32);
    return { key, expected: session.revision, revision, fields: session.fields, head, turn };
  };
});

describe("torn views", () => {
  const withoutFirst = (kind: string): Verdict => ({
    alter: (answer) => {
      const isMeant = ({ sk }: { sk?: { B?: string } }): boolean =>
        Buffer.from(sk?.B ?? "", "base64")
          .toString()
          .startsWith(kind);
      const missing = answer.Items?.find(isMeant);
      return { ...answer, Items: answer.Items?.filter((item) => item !== missing) };
    },
  });
  const written = async (): Promise<SessionCommit[]> =>
    writeTurns(world().backend.sessions, { ...world().opening(), slots: new Map([["system", Buffer.from("s")]]) }, 3);

  it.each(["1#turn", "2#slot"])("a %s row that the query passed too early is read again", async (kind) => {
    const commits = await written();
    const queries: string[] = [];
    world().proxy.decide(({ operation }) => {
      queries.push(operation);
      return queries.length === 1 ? withoutFirst(kind) : "pass";
    });
    const session = await world().backend.sessions.load(commits[0]?.key ?? "");
    expect(session?.turns).toEqual(commits.map(({ turn }) => turn));
    expect(session?.slots.get("system")?.toString()).toBe("s");
    expect(queries).toEqual(["Query", "Query"]);
  });

  it("a turn that is truly lost is a gap, which the caller notices", async () => {
    const commits = await written();
    world().proxy.decide(({ operation }) => (operation === "Query" ? withoutFirst("1#turn") : "pass"));
    const session = await world().backend.sessions.load(commits[0]?.key ?? "");
    expect(session?.turns).toEqual(commits.slice(0, 2).map(({ turn }) => turn));
  });

  it("a slot that is truly lost is no session without it", async () => {
    const commits = await written();
    world().proxy.decide(({ operation }) => (operation === "Query" ? withoutFirst("2#slot") : "pass"));
    const loading = world().backend.sessions.load(commits[0]?.key ?? "");
    await expect(loading).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("a session that is removed between two pages is gone, not shorter", async () => {
    const { sessions } = world().backend;
    const opening = { ...world().opening(), turn: { ...turnOf(0), sealed: randomBytes(2_000 * KB) } };
    await mustCommit(sessions, opening);
    const isHeld = holdNext(({ body }) => body.includes("ExclusiveStartKey"));
    const loading = sessions.load(opening.key);
    const goOn = await isHeld;
    await sessions.remove(opening.key);
    goOn();
    expect(await loading).toBeUndefined();
  });
});

describe("how long rows are kept", () => {
  it("longer than their session, whenever it ends, and written again only once in some days", async () => {
    const { sessions } = world().backend;
    const life = 24 * HOUR_MS;
    const opening = world().opening({ expiresAt: world().clock.now() + life });
    const slots = new Map([["system", Buffer.from("s")]]);
    let last: SessionCommit = { ...opening, slots };
    await mustCommit(sessions, last);
    const ends = new Set<number>();
    for (let day = 1; day <= 30; day++) {
      world().clock.advance(life - 1);
      last = followUpOf(last, { fields: { ...last.fields, expiresAt: world().clock.now() + life } });
      await mustCommit(sessions, last);
      await world().expire();
      expect(await endsBefore(last.fields.expiresAt)).toEqual([]);
      await expect.poll(keptUntil, SOON).toBeGreaterThanOrEqual(last.fields.expiresAt + 3.5 * DAY_MS);
      ends.add(await keptUntil());
    }
    expect(ends.size).toBeGreaterThan(4);
    expect(ends.size).toBeLessThan(10);
    expect((await sessions.load(last.key))?.turns).toHaveLength(31);
    expect(await sessions.list(last.fields.owner, { limit: 9, order: "asc" })).toHaveLength(1);
    world().clock.advance(life + 8 * DAY_MS);
    await world().expire();
    expect(await world().items("")).toEqual([]);
  });

  it("a commit that comes so late that rows would end before it has them prolonged first", async () => {
    const opening = world().opening();
    await mustCommit(world().backend.sessions, opening);
    const fields = { ...opening.fields, expiresAt: world().clock.now() + 30 * DAY_MS };
    const isHeld = holdNext(isHeadWrite);
    const committing = world().backend.sessions.commit(followUpOf(opening, { fields }));
    const goOn = await isHeld;
    expect((await endsBefore(fields.expiresAt)).map((sk) => sk.slice(0, 6))).toEqual(["3#head"]);
    goOn();
    expect(await committing).toEqual({ committed: true });
  });

  const keptUntil = async (): Promise<number> => {
    const items = await world().items("session#");
    return Number(items.find(({ sk }) => sk === "3#head")?.item["keptUntil"]?.N);
  };
  const endsBefore = async (ms: number): Promise<string[]> => {
    const items = [...(await world().items("session#")), ...(await world().items("owner#"))];
    return items.filter(({ deleteAt }) => deleteAt * 1_000 < ms).map(({ sk }) => sk);
  };
});

describe("the owner's index", () => {
  const isDelete = ({ operation }: DynamoCall): boolean => operation === "BatchWriteItem";

  it("is written before the session, and entries of sessions that never came are removed", async () => {
    const opening = world().opening();
    world().proxy.decide((call) => (isHeadWrite(call) ? broken : "pass"));
    await expect(world().backend.sessions.commit(opening)).rejects.toMatchObject({ code: "store_unavailable" });
    world().proxy.decide(() => "pass");
    const listed = () => world().backend.sessions.list(opening.fields.owner, { limit: 9, order: "desc" });
    expect(await listed()).toEqual([]);
    expect(await world().items("owner#")).toHaveLength(1);
    world().clock.advance(60_001);
    expect(await listed()).toEqual([]);
    await expect.poll(() => world().items("owner#"), SOON).toEqual([]);
  });

  it("the loser of a race to create takes its entry back", async () => {
    const first = world().opening();
    await mustCommit(world().backend.sessions, first);
    await world().backend.sessions.commit({ ...world().opening(first.fields), key: first.key });
    await expect.poll(() => world().items("owner#"), SOON).toHaveLength(1);
  });

  it("a removal of all sessions that broke off midway is completed by the next", async () => {
    const { sessions } = world().backend;
    const opening = world().opening();
    await writeTurns(sessions, opening, 3);
    world().proxy.decide((call) => (isDelete(call) ? broken : "pass"));
    const { owner } = opening.fields;
    await expect(sessions.removeOwner(owner)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await sessions.load(opening.key)).toBeUndefined();
    expect(await rowsOf("1#turn")).toHaveLength(3);
    world().proxy.decide(() => "pass");
    expect(await sessions.removeOwner(owner)).toBe(0);
    expect([...(await world().items("session#")), ...(await world().items("owner#"))]).toEqual([]);
  });

  it("a session in the making is not what a removal finds", async () => {
    const { sessions } = world().backend;
    const opening = world().opening();
    const isHeld = holdNext(isHeadWrite);
    const creating = sessions.commit(opening);
    const goOn = await isHeld;
    expect(await sessions.removeOwner(opening.fields.owner)).toBe(0);
    expect(await sessions.remove(opening.key)).toBe(false);
    goOn();
    expect(await creating).toEqual({ committed: true });
    expect((await sessions.load(opening.key))?.turns).toEqual([opening.turn]);
    expect(await sessions.list(opening.fields.owner, { limit: 9, order: "asc" })).toHaveLength(1);
  });

  it("a removed session leaves no item, and neither does an expired one that was begun anew", async () => {
    const { sessions } = world().backend;
    const old = world().opening();
    await writeTurns(sessions, { ...old, slots: new Map([["system", Buffer.from("s")]]) }, 4);
    world().clock.advance(HOUR_MS);
    const fresh = { ...world().opening({ owner: old.fields.owner }), key: old.key };
    await mustCommit(sessions, fresh);
    await expect.poll(async () => (await world().items("")).length, SOON).toBe(3);
    await sessions.remove(fresh.key);
    expect(await world().items("")).toEqual([]);
  });
});
