import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Compared, compareStores } from "../../../src/moving/compare-stores.ts";
import { type CopyCounts, copyStore } from "../../../src/moving/copy-store.ts";
import { findObstacle } from "../../../src/moving/find-obstacle.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { SealedTurn } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { auditRowOf, auditRowsOf, chainName } from "../../support/audit-rows.ts";
import { followUpOf, HOUR_MS, mustCommit, openingOf, turnOf, writeTurns } from "../../support/store-commits.ts";
import {
  readContents,
  type SessionContents,
  type StoreContents,
  storeContents,
  withRootSecret,
  writeContents,
} from "../../support/store-contents.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";

const { now, advance } = createHandClock();
const open = (): StoreBackend => createMemoryBackend({ clock: now });
const nothing = (): void => undefined;
const copy = (from: StoreBackend, to: StoreBackend): Promise<CopyCounts> => copyStore({ from, to, onSession: nothing });
const fields = { owner: "owner", createdAt: now(), expiresAt: now() + HOUR_MS, loadFrom: 0 };

async function compare(from: StoreBackend, to: StoreBackend): Promise<Compared & { found: string[] }> {
  const found: string[] = [];
  const onDifference = (difference: string): void => void found.push(difference);
  return { ...(await compareStores({ from, to, clock: now, onSession: nothing, onDifference })), found };
}

async function filled(contents: StoreContents): Promise<StoreBackend> {
  const store = open();
  await writeContents(store, contents);
  return store;
}

/** One of everything, the session with gaps and with turns that a cold load leaves out. */
function smallContents(): StoreContents {
  const turns = [0, 1, 3, 7, 8].map((sequence) => turnOf(sequence));
  const session = { ...fields, loadFrom: 5 };
  const head = randomBytes(20);
  return {
    sessions: [{ key: "key", revision: "a.9", fields: session, head, slots: [["summary", randomBytes(9)]], turns }],
    records: withRootSecret([{ name: "user", bytes: randomBytes(9), expiresAt: now() + HOUR_MS }]),
    audit: auditRowsOf(chainName(), 3, now()),
  };
}

describe("a copy that broke off", () => {
  it("is never taken for a whole one, wherever it broke off, and the next run completes it", async () => {
    const source = await filled(smallContents());
    // Five turns and a page of the audit log.
    for (let writes = 0; writes < 6; writes += 1) {
      const target = open();
      await expect(copy(source, failingAfter(target, writes))).rejects.toMatchObject({ code: "store_unavailable" });
      const found = await target.sessions.load("key");
      if (found && writes < 5) expect(found.revision).not.toBe("a.9");
      expect(await findObstacle(source, target)).toBeUndefined();
      await copy(source, target);
      expect(await readContents(target)).toEqual(await readContents(source));
    }
  });
});

it("a copy that failed writes nothing any more", async () => {
  const [source, target] = [open(), open()];
  for (let index = 0; index < 40; index += 1) await writeTurns(source.sessions, openingOf(`key-${index}`, fields), 5);
  let commits = 0;
  const commit: StoreBackend["sessions"]["commit"] = async (change) => {
    commits += 1;
    if (commits === 20) throw storeUnavailable("the connection broke");
    await new Promise((resolve) => setImmediate(resolve));
    return target.sessions.commit(change);
  };
  await expect(copy(source, { ...target, sessions: { ...target.sessions, commit } })).rejects.toThrow("broke");
  const commitsThen = commits;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(commits).toBe(commitsThen);
});

describe("a second copy", () => {
  it("writes nothing when nothing changed", async () => {
    const [source, target] = [await filled(smallContents()), open()];
    expect(await copy(source, target)).toMatchObject({ sessions: 1, turns: 5, records: 1, auditRows: 3 });
    expect(await copy(source, failingAfter(target, 0))).toEqual({
      sessions: 0,
      turns: 0,
      records: 0,
      auditRows: 0,
      sessionsThere: 1,
      removed: 0,
      contested: 0,
    });
  });

  it("follows what was written, removed and begun anew in the source since", async () => {
    const [source, target] = [await filled(smallContents()), open()];
    const { sessions, records, audit } = source;
    const grown = await writeTurns(sessions, openingOf("grows", fields), 3);
    await mustCommit(sessions, openingOf("goes", fields));
    await mustCommit(sessions, openingOf("begins anew", fields));
    await records.putIfAbsent("goes", Buffer.from("bytes"));
    await records.putIfAbsent("lasts longer", Buffer.from("bytes"), now() + HOUR_MS);
    await copy(source, target);

    await mustCommit(sessions, followUpOf(grown.at(-1) ?? grown[0]));
    await sessions.remove("goes");
    await sessions.remove("begins anew");
    await mustCommit(sessions, openingOf("begins anew", fields));
    await records.remove("goes");
    const bytes = Buffer.from("bytes");
    await records.replace("lasts longer", { expected: bytes, bytes, expiresAt: now() + 2 * HOUR_MS });
    await records.putIfAbsent("comes", bytes);
    const [row] = await audit.latest({ limit: 1 });
    await audit.append([auditRowOf({ chain: row?.chain ?? "", sequence: 3 }), auditRowOf()]);
    expect(await copy(source, target)).toMatchObject({ sessions: 2, sessionsThere: 1, removed: 2, auditRows: 2 });
    expect(await readContents(target)).toEqual(await readContents(source));
  });
});

describe("a copy of a session", () => {
  it("that is removed and begun anew while it is read does not mix the two", async () => {
    const [source, target] = [await filled(smallContents()), open()];
    const readTurns: StoreBackend["sessions"]["readTurns"] = async (key, from, to) => {
      const turns = await source.sessions.readTurns(key, from, to);
      await source.sessions.remove(key);
      await mustCommit(source.sessions, openingOf(key, fields));
      return turns;
    };
    await copy({ ...source, sessions: { ...source.sessions, readTurns } }, target);
    expect(await target.sessions.load("key")).toBeUndefined();
    await copy(source, target);
    expect(await readContents(target)).toEqual(await readContents(source));
  });

  it("that somebody else writes in the target is told", async () => {
    const [source, target] = [await filled(smallContents()), open()];
    let commits = 0;
    const commit: StoreBackend["sessions"]["commit"] = async (change) => {
      if ((commits += 1) === 3) {
        await target.sessions.remove(change.key);
        await mustCommit(target.sessions, openingOf(change.key, fields));
      }
      return target.sessions.commit(change);
    };
    const contested = await copy(source, { ...target, sessions: { ...target.sessions, commit } });
    expect(contested).toMatchObject({ sessions: 0, contested: 1 });
  });

  it("that expires meanwhile is over, and no fault", async () => {
    const [source, target] = [open(), open()];
    await writeTurns(source.sessions, openingOf("key", { ...fields, expiresAt: now() + 10 }), 3);
    const commit: StoreBackend["sessions"]["commit"] = (change) => {
      advance(4);
      return target.sessions.commit(change);
    };
    const counts = await copy(source, { ...target, sessions: { ...target.sessions, commit } });
    expect(counts).toMatchObject({ sessions: 0, contested: 0 });
  });
});

describe("a comparison", () => {
  it("finds nothing in an equal store", async () => {
    const contents = smallContents();
    const [source, target] = [await filled(contents), await filled(contents)];
    const counts = { sessions: 1, records: 2, auditRows: 3, differences: 0, found: [] };
    expect(await compare(source, target)).toEqual(counts);
  });

  const flip = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte)));
  const inSession =
    (change: (session: SessionContents) => Partial<SessionContents>) =>
    (contents: StoreContents): StoreContents => ({
      ...contents,
      sessions: contents.sessions.map((session) => ({ ...session, ...change(session) })),
    });
  const inTurn = (at: number, change: (turn: SealedTurn) => Partial<SealedTurn>) =>
    inSession(({ turns }) => ({
      turns: turns.map((turn, index) => (index === at ? { ...turn, ...change(turn) } : turn)),
    }));
  const inRow =
    (change: object) =>
    (contents: StoreContents): StoreContents => ({
      ...contents,
      audit: contents.audit.map((row, index) => (index === 1 ? { ...row, ...change } : row)),
    });

  it.each<[string, (contents: StoreContents) => StoreContents, RegExp]>([
    ["a byte of an old turn", inTurn(0, ({ sealed }) => ({ sealed: flip(sealed) })), /^session key: turn 0 differs$/],
    ["a byte of a new turn", inTurn(4, ({ sealed }) => ({ sealed: flip(sealed) })), /^session key: turn 8 differs$/],
    ["the id of a turn", inTurn(2, () => ({ id: turnOf(0).id })), /turn 3 differs/],
    ["a lost turn", inSession(({ turns }) => ({ turns: turns.slice(1) })), /turn 0 differs/],
    ["a lost last turn", inSession(({ turns }) => ({ turns: turns.slice(0, -1) })), /turn 8 differs/],
    ["a turn too many", inSession(({ turns }) => ({ turns: [...turns, turnOf(9)] })), /has more turns/],
    ["its head", inSession(({ head }) => ({ head: flip(head) })), /head differs/],
    ["its slots", inSession(() => ({ slots: [] })), /slots differ/],
    ["its revision", inSession(() => ({ revision: "a.8" })), /another revision/],
    ["its times", inSession((session) => ({ fields: { ...session.fields, createdAt: 1 } })), /fields differ/],
    ["the session", (contents) => ({ ...contents, sessions: [] }), /missing/],
    ["a record", (contents) => ({ ...contents, records: contents.records.slice(0, 1) }), /^record user: missing$/],
    [
      "a record's byte",
      (contents) => ({
        ...contents,
        records: contents.records.map((record) => ({ ...record, bytes: flip(record.bytes) })),
      }),
      /^record user: differs$/m,
    ],
    [
      "a record's end",
      (contents) => ({ ...contents, records: contents.records.map(({ name, bytes }) => ({ name, bytes })) }),
      /^record user: differs$/,
    ],
    [
      "a record too many",
      (contents) => ({ ...contents, records: [...contents.records, { name: "more", bytes: Buffer.from("bytes") }] }),
      /^record more: only in the target$/,
    ],
    ["an audit entry", inRow({ entry: randomBytes(9) }), /^audit chain \w+, entry 1: differs$/],
    ["its details", inRow({ details: undefined }), /entry 1: differs/],
    ["its time", inRow({ at: 5 }), /entry 1: differs/],
    ["a lost entry", (contents) => ({ ...contents, audit: contents.audit.slice(0, 2) }), /entry 2: differs/],
  ])("reports %s", async (_, change, expected) => {
    const contents = smallContents();
    const { found, differences } = await compare(await filled(contents), await filled(change(contents)));
    expect(found.join("\n")).toMatch(expected);
    expect(differences).toBe(found.length);
  });
});

describe("what must not be copied", () => {
  const refused = async (from: StoreBackend, to: StoreBackend, why: RegExp): Promise<void> => {
    expect(await findObstacle(from, to)).toMatch(why);
  };

  it("an empty source, so that two addresses in the wrong order do no harm", async () => {
    await refused(open(), await filled(smallContents()), /source holds no root secret/);
  });

  it("into another gateway's store", async () => {
    await refused(await filled(smallContents()), await filled(smallContents()), /another root secret/);
  });

  it("into a store that holds anything without a root secret", async () => {
    const source = await filled(smallContents());
    const { sessions, audit } = smallContents();
    for (const contents of [{ sessions }, { audit }, { records: [{ name: "any", bytes: Buffer.from("b") }] }]) {
      const target = await filled({ sessions: [], records: [], audit: [], ...contents });
      await refused(source, target, /target is not empty/);
    }
  });

  it("into a copy on which a gateway has worked since", async () => {
    const source = await filled(smallContents());
    const target = open();
    await copy(source, target);
    expect(await findObstacle(source, target)).toBeUndefined();
    await target.audit.append([auditRowOf()]);
    await refused(source, target, /has worked on the target since/);
  });
});

it("a copy of any contents holds the same, and the comparison agrees", async () => {
  await fc.assert(
    fc.asyncProperty(storeContents, storeContents, async (contents, others) => {
      const [source, target] = [await filled(contents), open()];
      await copy(source, target);
      expect(await readContents(target)).toEqual(await readContents(source));
      expect(await compare(source, target)).toMatchObject({ differences: 0, sessions: contents.sessions.length });
      const { differences } = await compare(source, await filled(others));
      expect(differences).toBeGreaterThan(0);
    }),
    { numRuns: 200 },
  );
});

/** The same store, whose writes all fail after so many. */
function failingAfter(store: StoreBackend, writes: number): StoreBackend {
  let left = writes;
  const counted =
    <Args extends unknown[], Result>(write: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if ((left -= 1) < 0) throw storeUnavailable("the connection broke");
      return write(...args);
    };
  const { sessions, records, audit } = store;
  return {
    ...store,
    sessions: { ...sessions, commit: counted(sessions.commit), remove: counted(sessions.remove) },
    // The root secret is put into every target again.
    records: { ...records, replace: counted(records.replace), remove: counted(records.remove) },
    audit: { ...audit, append: counted(audit.append) },
  };
}
