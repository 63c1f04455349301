import { randomBytes } from "node:crypto";
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import type { SealedTurn, SessionCommit, SessionFields, SessionStore } from "../../src/store/session-store.ts";
import {
  followUpOf,
  HOUR_MS,
  mustCommit,
  openingOf,
  turnOf,
  uniqueName,
  writeTurns,
} from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

interface Subject {
  readonly store: () => SessionStore;
  readonly elapse: (ms: number) => Promise<void>;
  /** Plain fields of a session that lives for an hour. */
  readonly fields: (changes?: Partial<SessionFields>) => SessionFields;
  readonly opening: (changes?: Partial<SessionCommit>) => SessionCommit;
}

/** Every promise of `SessionStore`, as a test. */
export function describeSessionStore(name: string, { open }: StoreSuiteOptions): void {
  describe(`session store: ${name}`, () => {
    const tested = openForSuite(open);

    const fields = (changes: Partial<SessionFields> = {}): SessionFields => ({
      owner: uniqueName("owner"),
      createdAt: tested().now(),
      expiresAt: tested().now() + HOUR_MS,
      loadFrom: 0,
      ...changes,
    });
    const subject: Subject = {
      store: () => tested().backend.sessions,
      elapse: (ms) => tested().elapse(ms),
      fields,
      opening: (changes) => openingOf(uniqueName("session"), fields(), changes),
    };
    describe("load", () => loadRules(subject));
    describe("commit", () => commitRules(subject));
    describe("slots", () => slotRules(subject));
    describe("expiry and removal", () => endRules(subject));
    describe("list", () => listRules(subject));
    describe("hostile input", () => hostileRules(subject));
  });
}

function loadRules({ store, fields, opening }: Subject): void {
  it("a session that was never written loads as undefined", async () => {
    expect(await store().load(uniqueName("session"))).toBeUndefined();
    expect(await store().load(uniqueName("session"), { revision: "a.1", sequence: 3 })).toBeUndefined();
  });

  it("what was committed is loaded, byte for byte", async () => {
    const commit = opening({ head: randomBytes(3_000), slots: new Map([["summary", randomBytes(700)]]) });
    await mustCommit(store(), commit);
    expect(await store().load(commit.key)).toEqual({
      revision: commit.revision,
      fields: commit.fields,
      head: commit.head,
      slots: commit.slots,
      turns: [commit.turn],
    });
  });

  it("turns come back in order", async () => {
    const commits = await writeTurns(store(), opening(), 12);
    const session = await store().load(commits[0].key);
    expect(session?.turns).toEqual(commits.map(({ turn }) => turn));
  });

  it("a caller whose revision is current gets the fields alone", async () => {
    const commits = await writeTurns(store(), opening({ slots: new Map([["system", Buffer.from("x")]]) }), 3);
    const last = commits.at(-1) ?? commits[0];
    const session = await store().load(last.key, { revision: last.revision, sequence: 2 });
    expect(session).toEqual({
      revision: last.revision,
      fields: last.fields,
      head: undefined,
      slots: new Map(),
      turns: [],
    });
  });

  it("a caller who is behind gets head, slots and the turns it lacks", async () => {
    const slots = new Map([["system", Buffer.from("be brief")]]);
    const commits = await writeTurns(store(), opening({ slots }), 5);
    const session = await store().load(commits[0].key, { revision: commits[1]?.revision ?? "", sequence: 1 });
    expect(session?.revision).toBe(commits[4]?.revision);
    expect(session?.head).toEqual(commits[4]?.head);
    expect(session?.slots).toEqual(slots);
    expect(session?.turns.map(({ sequence }) => sequence)).toEqual([2, 3, 4]);
  });

  it("a caller who knows another incarnation gets what a stranger gets", async () => {
    const commits = await writeTurns(store(), opening({ fields: fields({ loadFrom: 1 }) }), 3);
    const session = await store().load(commits[0].key, { revision: "0000000000000000.2", sequence: 2 });
    expect(session).toEqual(await store().load(commits[0].key));
    expect(session?.turns.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it("a cold load starts at loadFrom, and a range reads what is older", async () => {
    const commits = await writeTurns(store(), opening(), 4);
    const last = commits.at(-1) ?? commits[0];
    const moved = followUpOf(last, { fields: { ...last.fields, loadFrom: 3 } });
    await mustCommit(store(), moved);
    const session = await store().load(last.key);
    expect(session?.fields.loadFrom).toBe(3);
    expect(session?.turns.map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(await store().readTurns(last.key, 1, 3)).toEqual([commits[1]?.turn, commits[2]?.turn]);
  });

  it("a range is half open, may be empty and may reach beyond the end", async () => {
    const { key } = (await writeTurns(store(), opening(), 3))[0];
    expect(await store().readTurns(key, 1, 1)).toEqual([]);
    expect((await store().readTurns(key, 2, 99)).map(({ sequence }) => sequence)).toEqual([2]);
    expect((await store().readTurns(key, 0, Infinity)).map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    expect(await store().readTurns(uniqueName("session"), 0, 9)).toEqual([]);
  });

  it("a loaded session is a snapshot: neither later commits nor its holder change the other", async () => {
    const commit = opening({ head: Buffer.from("head"), slots: new Map([["system", Buffer.from("slot")]]) });
    await mustCommit(store(), commit);
    const before = await store().load(commit.key);
    await mustCommit(store(), followUpOf(commit, { slots: new Map([["system", Buffer.from("other")]]) }));
    expect(before?.turns).toHaveLength(1);
    expect(before?.slots.get("system")?.toString()).toBe("slot");
    before?.turns[0]?.sealed.fill(0);
    const after = await store().load(commit.key);
    expect(after?.turns[0]).toEqual(commit.turn);
  });

  it("a load while others write is of one moment", async () => {
    const headOf = ({ id }: SealedTurn): Buffer => Buffer.from(id);
    const next = (sequence: number): Partial<SessionCommit> => {
      const turn = turnOf(sequence);
      return { turn, head: headOf(turn), slots: new Map([["last", headOf(turn)]]) };
    };
    let last = opening(next(0));
    await mustCommit(store(), last);
    let isWriting = true;
    const read = async (): Promise<void> => {
      while (isWriting) {
        const session = await store().load(last.key);
        const turn = session?.turns.at(-1);
        expect(session?.head).toEqual(turn && headOf(turn));
        expect(session?.slots.get("last")).toEqual(session?.head);
        await nextTurnOfTheLoop();
      }
    };
    const write = async (): Promise<void> => {
      for (let sequence = 1; sequence <= 300; sequence++) {
        last = followUpOf(last, next(sequence));
        await mustCommit(store(), last);
      }
    };
    await Promise.all([read(), read(), write().finally(() => (isWriting = false))]);
  });

  it("a session of many turns loads whole", async () => {
    const commits = await writeTurns(store(), opening(), 1_203);
    const session = await store().load(commits[0].key);
    expect(session?.turns.map(({ id }) => id)).toEqual(commits.map(({ turn }) => turn?.id));
  });
}

function commitRules({ store, opening }: Subject): void {
  it("two writers from one revision: one wins, the other gets the winner's snapshot", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const known = { revision: base.revision, sequence: 0 };
    const rivals = [followUpOf(base, { known }), followUpOf(base, { known })] as const;
    const outcomes = await Promise.all(rivals.map((rival) => store().commit(rival)));
    expect(outcomes.filter(({ committed }) => committed)).toHaveLength(1);
    const winner = outcomes[0]?.committed ? rivals[0] : rivals[1];
    const loser = outcomes.find((outcome) => !outcome.committed);
    expect(loser).toEqual({
      committed: false,
      current: {
        revision: winner.revision,
        fields: winner.fields,
        head: winner.head,
        slots: new Map(),
        turns: [winner.turn],
      },
    });
    expect((await store().load(base.key))?.turns).toEqual([base.turn, winner.turn]);
  });

  it("two creators of one session: one wins", async () => {
    const first = opening();
    const second = { ...opening(), key: first.key };
    const outcomes = await Promise.all([store().commit(first), store().commit(second)]);
    expect(outcomes.filter(({ committed }) => committed)).toHaveLength(1);
    expect((await store().load(first.key))?.turns).toHaveLength(1);
  });

  it("sixteen writers who retry on conflict lose nothing", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const ids = await Promise.all(Array.from({ length: 16 }, () => appendUntilCommitted(store(), base.key)));
    const session = await store().load(base.key);
    expect(session?.turns.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 17 }, (_, index) => index));
    expect(new Set(session?.turns.slice(1).map(({ id }) => id))).toEqual(new Set(ids));
  });

  it("a conflict writes nothing, not even its slots", async () => {
    const [base] = await writeTurns(store(), opening(), 2);
    const before = await store().load(base.key);
    const stale = followUpOf(base, { turn: turnOf(7), slots: new Map([["summary", Buffer.from("stale")]]) });
    const outcome = await store().commit(stale);
    expect(outcome).toEqual({ committed: false, current: before });
    expect(await store().load(base.key)).toEqual(before);
  });

  it("a conflict with a session that does not exist says so", async () => {
    const outcome = await store().commit(followUpOf(opening()));
    expect(outcome).toEqual({ committed: false, current: undefined });
  });

  it("a conflict answers with what the caller lacks", async () => {
    const commits = await writeTurns(store(), opening(), 4);
    const outcome = await store().commit(
      followUpOf(commits[0], { known: { revision: commits[1]?.revision ?? "", sequence: 1 } }),
    );
    expect(outcome.committed || outcome.current?.turns.map(({ sequence }) => sequence)).toEqual([2, 3]);
    const aware = { revision: commits[3]?.revision ?? "", sequence: 3 };
    const second = await store().commit(followUpOf(commits[0], { known: aware }));
    expect(second.committed || second.current?.head).toBeUndefined();
  });

  it("head and fields change without a turn", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const { turn: _, ...withoutTurn } = followUpOf(base);
    const fields = { ...base.fields, expiresAt: base.fields.expiresAt + 5, loadFrom: 1 };
    await mustCommit(store(), { ...withoutTurn, fields });
    const session = await store().load(base.key);
    expect(session).toMatchObject({ revision: withoutTurn.revision, fields, head: withoutTurn.head, turns: [] });
  });

  it("a commit repeated unchanged is acknowledged again and written once", async () => {
    const commits = await writeTurns(store(), opening({ slots: new Map([["system", Buffer.from("s")]]) }), 2);
    const before = await store().load(commits[0].key);
    expect(await store().commit(commits[1] ?? commits[0])).toEqual({ committed: true });
    expect(await store().load(commits[0].key)).toEqual(before);
  });

  it("an opening repeated unchanged is acknowledged again", async () => {
    const commit = opening();
    await mustCommit(store(), commit);
    expect(await store().commit(commit)).toEqual({ committed: true });
  });

  it("a repeated commit that others have followed conflicts and finds its own turn", async () => {
    const commits = await writeTurns(store(), opening(), 3);
    const repeated = { ...(commits[1] ?? commits[0]), known: { revision: commits[0].revision, sequence: 0 } };
    const outcome = await store().commit(repeated);
    expect(outcome.committed || outcome.current?.turns[0]).toEqual(repeated.turn);
  });

  it("a rival that chose the same revision and head is not mistaken for a repetition", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const winner = followUpOf(base);
    await mustCommit(store(), winner);
    expect(await store().commit({ ...winner, turn: turnOf(1) })).toMatchObject({ committed: false });
    expect(await store().commit({ ...winner, head: randomBytes(32) })).toMatchObject({ committed: false });
  });

  it("a turn is never overwritten", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const neighbour = opening();
    const outcomes = await Promise.allSettled([
      store().commit(followUpOf(base, { turn: turnOf(0, "other"), slots: new Map([["a", Buffer.from("a")]]) })),
      store().commit(neighbour),
    ]);
    expect(outcomes[0]).toMatchObject({ status: "rejected", reason: expect.any(TypeError) });
    expect(outcomes[1]).toEqual({ status: "fulfilled", value: { committed: true } });
    expect(await store().load(base.key)).toMatchObject({
      revision: base.revision,
      turns: [base.turn],
      slots: new Map(),
    });
  });

  it("many commits at once each get their own answer", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const fresh = Array.from({ length: 40 }, () => opening());
    const stale = Array.from({ length: 40 }, () => followUpOf(base, { expected: "nothing.1" }));
    const mixed = fresh.flatMap((commit, index) => [commit, stale[index] ?? commit]);
    const outcomes = await Promise.all(mixed.map((commit) => store().commit(commit)));
    expect(outcomes.map(({ committed }) => committed)).toEqual(mixed.map((_, index) => index % 2 === 0));
    for (const commit of fresh) expect((await store().load(commit.key))?.revision).toBe(commit.revision);
  });
}

async function appendUntilCommitted(store: SessionStore, key: string): Promise<string> {
  for (;;) {
    const session = await store.load(key);
    if (!session) throw new Error("the session is gone");
    const [incarnation, number] = session.revision.split(".");
    const turn = turnOf(session.turns.length);
    const outcome = await store.commit({
      key,
      expected: session.revision,
      revision: `${incarnation}.${Number(number) + 1}`,
      fields: session.fields,
      head: randomBytes(16),
      turn,
    });
    if (outcome.committed) return turn.id;
  }
}

function slotRules({ store, opening }: Subject): void {
  it("a slot is replaced whole, slots not named stay, null removes one", async () => {
    const slots = new Map([
      ["system", Buffer.from("one")],
      ["summary", Buffer.from("two")],
      ["index", Buffer.from("three")],
    ]);
    const base = opening({ slots });
    await mustCommit(store(), base);
    const changes = new Map([
      ["system", Buffer.from("1")],
      ["summary", null],
      ["never", null],
    ]);
    const next = followUpOf(base, { slots: changes });
    await mustCommit(store(), next);
    const expected = new Map([
      ["system", Buffer.from("1")],
      ["index", Buffer.from("three")],
    ]);
    expect((await store().load(base.key))?.slots).toEqual(expected);
    await mustCommit(store(), followUpOf(next));
    expect((await store().load(base.key))?.slots).toEqual(expected);
  });

  it("a slot may be empty, and come back after its removal", async () => {
    const base = opening({ slots: new Map([["system", Buffer.alloc(0)]]) });
    await mustCommit(store(), base);
    expect((await store().load(base.key))?.slots.get("system")).toEqual(Buffer.alloc(0));
    const without = followUpOf(base, { slots: new Map([["system", null]]) });
    await mustCommit(store(), without);
    await mustCommit(store(), followUpOf(without, { slots: new Map([["system", Buffer.from("-")]]) }));
    expect((await store().load(base.key))?.slots).toEqual(new Map([["system", Buffer.from("-")]]));
  });
}

function endRules({ store, elapse, fields, opening }: Subject): void {
  it("a session ends at the millisecond of its expiry, for every method", async () => {
    const base = opening();
    await mustCommit(store(), base);
    await elapse(HOUR_MS - 1);
    expect(await store().load(base.key)).toBeDefined();
    await elapse(1);
    expect(await store().load(base.key)).toBeUndefined();
    expect(await store().load(base.key, { revision: base.revision, sequence: 0 })).toBeUndefined();
    expect(await store().readTurns(base.key, 0, 9)).toEqual([]);
    expect(await store().list(base.fields.owner, { limit: 9, order: "desc" })).toEqual([]);
    expect(await store().commit(followUpOf(base))).toEqual({ committed: false, current: undefined });
    expect(await store().remove(base.key)).toBe(false);
  });

  it("a commit prolongs the session", async () => {
    const base = opening();
    await mustCommit(store(), base);
    const prolonged = { ...base.fields, expiresAt: base.fields.expiresAt + HOUR_MS };
    await mustCommit(store(), followUpOf(base, { fields: prolonged }));
    await elapse(HOUR_MS + 1);
    expect((await store().load(base.key))?.turns).toHaveLength(2);
    expect(await store().list(base.fields.owner, { limit: 9, order: "desc" })).toHaveLength(1);
  });

  it("an expired session is created anew, with nothing of the old one", async () => {
    const old = opening({ slots: new Map([["summary", Buffer.from("old")]]) });
    await writeTurns(store(), old, 3);
    await elapse(HOUR_MS);
    const fresh = openingOf(old.key, fields());
    await mustCommit(store(), fresh);
    const session = await store().load(old.key, { revision: old.revision, sequence: 0 });
    expect(session).toMatchObject({ revision: fresh.revision, slots: new Map(), turns: [fresh.turn] });
    expect(await store().readTurns(old.key, 0, 9)).toEqual([fresh.turn]);
  });

  it("a removed session is gone, and removing it again is no error", async () => {
    const [base] = await writeTurns(store(), opening({ slots: new Map([["a", Buffer.from("a")]]) }), 3);
    expect(await store().remove(base.key)).toBe(true);
    expect(await store().remove(base.key)).toBe(false);
    expect(await store().load(base.key)).toBeUndefined();
    expect(await store().readTurns(base.key, 0, 9)).toEqual([]);
    expect(await store().list(base.fields.owner, { limit: 9, order: "desc" })).toEqual([]);
    expect(await store().commit(followUpOf(base))).toEqual({ committed: false, current: undefined });
  });

  it("a recreated session is not mistaken for the removed one", async () => {
    const old = opening();
    await mustCommit(store(), old);
    await store().remove(old.key);
    const fresh = openingOf(old.key, old.fields);
    await mustCommit(store(), fresh);
    expect(await store().commit(followUpOf(old))).toMatchObject({ committed: false, current: { turns: [fresh.turn] } });
    const session = await store().load(old.key, { revision: old.revision, sequence: 0 });
    expect(session?.turns).toEqual([fresh.turn]);
    expect(await store().list(old.fields.owner, { limit: 9, order: "desc" })).toHaveLength(1);
  });
}

function listRules({ store, fields, opening }: Subject): void {
  /** Seven sessions of one owner; three share their time of creation. */
  const writeSeven = async (): Promise<SessionFields & { keys: string[] }> => {
    const base = fields();
    const times = [5, 5, 5, 1, 9, 3, 7];
    const commits = times.map((time) => opening({ fields: { ...base, createdAt: base.createdAt + time } }));
    await Promise.all(commits.map((commit) => mustCommit(store(), commit)));
    const oldestFirst = commits.toSorted(
      (left, right) =>
        left.fields.createdAt - right.fields.createdAt || Buffer.compare(Buffer.from(left.key), Buffer.from(right.key)),
    );
    return { ...base, keys: oldestFirst.map(({ key }) => key) };
  };
  const keysByPages = async (owner: string, order: "asc" | "desc", limit: number): Promise<string[]> => {
    const keys: string[] = [];
    for (let after: { createdAt: number; key: string } | undefined; ;) {
      const rows = await store().list(owner, { limit, order, ...(after && { after }) });
      keys.push(...rows.map(({ key }) => key));
      const last = rows.at(-1);
      if (!last || keys.length > 20) return keys;
      after = { createdAt: last.fields.createdAt, key: last.key };
    }
  };

  it("sessions are listed newest first, or oldest first", async () => {
    const { owner, keys } = await writeSeven();
    const newestFirst = await store().list(owner, { limit: 100, order: "desc" });
    expect(newestFirst.map(({ key }) => key)).toEqual(keys.toReversed());
    const oldestFirst = await store().list(owner, { limit: 100, order: "asc" });
    expect(oldestFirst.map(({ key }) => key)).toEqual(keys);
  });

  it("pages of any size join to the whole list, equal times included", async () => {
    const { owner, keys } = await writeSeven();
    for (const limit of [1, 2, 3, 6, 7, 8]) {
      expect(await keysByPages(owner, "asc", limit)).toEqual(keys);
      expect(await keysByPages(owner, "desc", limit)).toEqual(keys.toReversed());
    }
  });

  it("a cursor whose session is gone still holds the place", async () => {
    const { owner, keys } = await writeSeven();
    const rows = await store().list(owner, { limit: 3, order: "asc" });
    const last = rows[2];
    await store().remove(last?.key ?? "");
    const after = { createdAt: last?.fields.createdAt ?? 0, key: last?.key ?? "" };
    const rest = await store().list(owner, { limit: 100, order: "asc", after });
    expect(rest.map(({ key }) => key)).toEqual(keys.slice(3));
  });

  it("a row carries what was committed last, and keeps its place", async () => {
    const base = opening();
    await mustCommit(store(), base);
    await mustCommit(
      store(),
      openingOf(uniqueName("session"), { ...base.fields, createdAt: base.fields.createdAt + 1 }),
    );
    const next = followUpOf(base, { fields: { ...base.fields, expiresAt: base.fields.expiresAt + 9 } });
    await mustCommit(store(), next);
    const rows = await store().list(base.fields.owner, { limit: 9, order: "desc" });
    expect(rows).toHaveLength(2);
    expect(rows[1]).toEqual({ key: base.key, revision: next.revision, fields: next.fields, head: next.head });
  });

  it("the loser of a race to create leaves no trace in the list", async () => {
    const base = fields();
    const key = uniqueName("session");
    const winner = openingOf(key, base);
    await mustCommit(store(), winner);
    await store().commit(openingOf(key, { ...base, createdAt: base.createdAt + 50 }));
    await mustCommit(store(), openingOf(uniqueName("session"), { ...base, createdAt: base.createdAt + 10 }));
    const rows = await store().list(base.owner, { limit: 9, order: "asc" });
    expect(rows[0]).toMatchObject({ key, fields: { createdAt: base.createdAt } });
    expect(rows).toHaveLength(2);
  });

  it("an owner sees own sessions only", async () => {
    const mine = opening();
    const theirs = opening();
    await Promise.all([mustCommit(store(), mine), mustCommit(store(), theirs)]);
    const rows = await store().list(mine.fields.owner, { limit: 9, order: "desc" });
    expect(rows.map(({ key }) => key)).toEqual([mine.key]);
    expect(await store().list(uniqueName("owner"), { limit: 9, order: "desc" })).toEqual([]);
    expect(await store().list("*", { limit: 9, order: "desc" })).toEqual([]);
  });
}

const hostileNames = [
  "*",
  "?[a-z]",
  "%_",
  "'; DROP TABLE sessions; --",
  'quote"d',
  "back\\slash",
  "{tag}",
  "}{",
  "new\nline\r\n",
  "nul\0byte",
  "ünï-cødé-日本-🙂",
  "__proto__",
  "constructor",
  "${1}",
  "s:",
  "t:0",
  "x".repeat(2_000),
];

function hostileRules({ store, fields, opening }: Subject): void {
  it("hostile keys are keys like any other, and touch nobody else's", async () => {
    const suffix = uniqueName("");
    const commits = hostileNames.map((name) => openingOf(name + suffix, fields()));
    await Promise.all(commits.map((commit) => mustCommit(store(), commit)));
    for (const commit of commits) {
      expect(await store().load(commit.key)).toMatchObject({ revision: commit.revision, turns: [commit.turn] });
    }
    for (const [index, commit] of commits.entries()) {
      expect(await store().remove(commit.key)).toBe(true);
      const left = await Promise.all(commits.map(({ key }) => store().load(key)));
      expect(left.filter((session) => session === undefined)).toHaveLength(index + 1);
    }
  });

  it("hostile owners are owners like any other", async () => {
    const suffix = uniqueName("");
    const commits = hostileNames.map((name) => opening({ fields: fields({ owner: name + suffix }) }));
    await Promise.all(commits.map((commit) => mustCommit(store(), commit)));
    for (const commit of commits) {
      const rows = await store().list(commit.fields.owner, { limit: 9, order: "desc" });
      expect(rows.map(({ key }) => key)).toEqual([commit.key]);
      expect(rows[0]?.fields.owner).toBe(commit.fields.owner);
    }
  });

  it("hostile slot names are names like any other", async () => {
    const slots = new Map(hostileNames.map((name) => [name, randomBytes(8)]));
    const commit = opening({ slots });
    await mustCommit(store(), commit);
    const session = await store().load(commit.key);
    expect(session?.slots).toEqual(slots);
    expect(session?.turns).toEqual([commit.turn]);
  });

  it("a turn of five megabytes survives", async () => {
    const sealed = randomBytes(5 * 1024 * 1024);
    const commit = opening({ turn: { ...turnOf(0), sealed } });
    await mustCommit(store(), commit);
    const loaded = (await store().load(commit.key))?.turns[0]?.sealed;
    expect(loaded && Buffer.compare(loaded, sealed)).toBe(0);
  });

  it("an empty turn and head are values, not absences", async () => {
    const commit = opening({ head: Buffer.alloc(0), turn: { ...turnOf(0), sealed: Buffer.alloc(0) } });
    await mustCommit(store(), commit);
    const session = await store().load(commit.key);
    expect(session?.head).toEqual(Buffer.alloc(0));
    expect(session?.turns).toEqual([commit.turn]);
  });
}
