/** What waits for a store that does not answer: where it can be read, in which order it leaves, and when it must not. */
import { randomBytes } from "node:crypto";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { DeliveryHooks, TurnCommit } from "../../../src/store/outbox/delivery-hooks.ts";
import { type OutboxBackend, withOutbox } from "../../../src/store/outbox/with-outbox.ts";
import type { SessionCommit } from "../../../src/store/session-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { noFaults, type StoreFaults, withFaults } from "../../support/fault-store.ts";
import { openPlace, plainHooks } from "../../support/outbox-parts.ts";
import { followUpOf, HOUR_MS, openingOf, turnOf, uniqueName, writeTurns } from "../../support/store-commits.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

const UNAVAILABLE = { name: "GatewayError", code: "store_unavailable" };
const DEFERRED = { committed: true, deferred: true };

let folder: TempFolder;
let store: StoreBackend;
let faults: StoreFaults;
/** Sessions that the store takes no turns of. */
let stuck: Set<string>;
let outbox: OutboxBackend;
let hooks: DeliveryHooks;
let deliveries: string[];
let events: string[];

async function open(maxBytes?: number): Promise<void> {
  const { log, events: logged } = createRecordedLog();
  events = logged;
  const commit: StoreBackend["sessions"]["commit"] = (change) =>
    stuck.has(change.key) ? Promise.reject(storeUnavailable("stuck by a test")) : store.sessions.commit(change);
  const partly = { ...store, sessions: { ...store.sessions, commit }, close: async () => undefined };
  outbox = await withOutbox(withFaults(partly, faults), {
    place: await openPlace(folder.path),
    clock: Date.now,
    log,
    onDelivered: (delivery) => deliveries.push(delivery),
    ...(maxBytes !== undefined && { maxBytes }),
  });
}
const restart = async (): Promise<void> => {
  await outbox.close();
  await open();
};

beforeEach(async () => {
  folder = await createTempFolder();
  store = createMemoryBackend({ clock: Date.now });
  faults = noFaults();
  stuck = new Set();
  hooks = plainHooks;
  deliveries = [];
  await open();
  outbox.outbox.deliver(plainHooks);
});
afterEach(async () => {
  await outbox.close();
  await folder.remove();
});

const opening = (changes: Partial<SessionCommit> = {}): SessionCommit => {
  const now = Date.now();
  const fields = { owner: uniqueName("owner"), createdAt: now, expiresAt: now + HOUR_MS, loadFrom: 0 };
  return openingOf(uniqueName("session"), fields, { head: randomBytes(32), ...changes });
};
/** As the turn ring says it: what it holds is what it builds on. */
const after = (previous: SessionCommit): SessionCommit =>
  followUpOf(previous, { known: { revision: previous.revision, sequence: previous.turn?.sequence ?? -1 } });
const fail = (): void => void Object.assign(faults, { load: true, readTurns: true, commit: true });
const mend = (): void => void Object.assign(faults, noFaults());
const idsIn = async (key: string) => (await store.sessions.load(key))?.turns.map(({ id }) => id);
/** Asks for everything, which brings what waits. */
const bring = (): Promise<unknown> => outbox.sessions.scan(undefined);

/** A session with one turn in the store and so many more that wait. */
async function waiting(turns: number): Promise<[SessionCommit, ...SessionCommit[]]> {
  const commits: [SessionCommit, ...SessionCommit[]] = [opening()];
  expect(await outbox.sessions.commit(commits[0])).toEqual({ committed: true });
  fail();
  for (let turn = 0; turn < turns; turn += 1) {
    const next = after(commits.at(-1) ?? commits[0]);
    expect(await outbox.sessions.commit(next)).toEqual(DEFERRED);
    commits.push(next);
  }
  return commits;
}

describe("while the store does not answer", () => {
  it("turns wait in order, and reach it in order and once when it is back", async () => {
    const commits = await waiting(5);
    expect(outbox.outbox.depth()).toBe(5);
    mend();
    expect((await outbox.sessions.load(commits[0].key))?.turns.map(({ id }) => id)).toEqual(
      commits.map(({ turn }) => turn?.id),
    );
    expect(await idsIn(commits[0].key)).toEqual(commits.map(({ turn }) => turn?.id));
    expect(deliveries).toEqual(Array.from({ length: 5 }, () => "stored"));
    expect(outbox.outbox.depth()).toBe(0);
  });

  it("they reach it by themselves", async () => {
    const [first] = await waiting(2);
    mend();
    await expect.poll(() => idsIn(first.key), { timeout: 10_000 }).toHaveLength(3);
  });

  it("those whose part of the store stays away do not hold up the others", async () => {
    fail();
    const commits = Array.from({ length: 20 }, () => opening());
    for (const commit of commits) expect(await outbox.sessions.commit(commit)).toEqual(DEFERRED);
    const last = commits.pop();
    stuck = new Set(commits.map(({ key }) => key));
    mend();
    await expect.poll(() => idsIn(last?.key ?? ""), { timeout: 10_000 }).toHaveLength(1);
    await expect.poll(() => outbox.outbox.depth()).toBe(commits.length);
    stuck.clear();
    await expect.poll(() => outbox.outbox.depth(), { timeout: 10_000 }).toBe(0);
  });

  it("they survive the end of the process", async () => {
    const [first] = await waiting(3);
    await restart();
    expect(outbox.outbox.depth()).toBe(3);
    mend();
    outbox.outbox.deliver(plainHooks);
    await bring();
    expect(await idsIn(first.key)).toHaveLength(4);
    await restart();
    expect(outbox.outbox.depth()).toBe(0);
  });

  it("who holds the session as it was left goes on, and nobody else reads half of it", async () => {
    const commits = await waiting(2);
    const last = commits[2];
    if (!last) throw new Error("no turn");
    const known = { revision: last.revision, sequence: 2 };
    expect(await outbox.sessions.load(last.key, known)).toEqual({
      revision: last.revision,
      fields: last.fields,
      head: undefined,
      slots: new Map(),
      turns: [],
    });
    await expect(outbox.sessions.load(last.key)).rejects.toMatchObject(UNAVAILABLE);
    await expect(outbox.sessions.readTurns(last.key, 0, 9)).rejects.toMatchObject(UNAVAILABLE);
  });

  it("a session that began in the outbox is read whole from it, also by a new process", async () => {
    fail();
    const slots = new Map([["system", Buffer.from("be brief")]]);
    const first = opening({ slots });
    expect(await outbox.sessions.commit(first)).toEqual(DEFERRED);
    const second = after(first);
    expect(await outbox.sessions.commit(second)).toEqual(DEFERRED);
    await restart();
    expect(await outbox.sessions.load(first.key)).toEqual({
      revision: second.revision,
      fields: second.fields,
      head: second.head,
      slots,
      turns: [first.turn, second.turn],
    });
    expect(await outbox.sessions.readTurns(first.key, 1, 2)).toEqual([second.turn]);
  });

  it("a commit that is repeated waits once, and one that was built on something else conflicts", async () => {
    fail();
    const first = opening();
    await outbox.sessions.commit(first);
    expect(await outbox.sessions.commit(first)).toEqual(DEFERRED);
    expect(outbox.outbox.depth()).toBe(1);
    const rival = openingOf(first.key, first.fields);
    expect(await outbox.sessions.commit(rival)).toMatchObject({
      committed: false,
      current: { revision: first.revision, turns: [first.turn] },
    });
  });

  it("what has no turn is refused: it can be done again", async () => {
    const [first, last] = await waiting(1);
    const { turn: _turn, ...headOnly } = after(last ?? first);
    await expect(outbox.sessions.commit(headOnly)).rejects.toMatchObject(UNAVAILABLE);
    const { turn: _first, ...created } = opening();
    await expect(outbox.sessions.commit(created)).rejects.toMatchObject(UNAVAILABLE);
    expect(outbox.outbox.depth()).toBe(1);
  });

  it("no session is removed while its turns wait: they would bring it back", async () => {
    const [first] = await waiting(1);
    await expect(outbox.sessions.remove(first.key)).rejects.toMatchObject(UNAVAILABLE);
    mend();
    expect(await outbox.sessions.remove(first.key)).toBe(true);
    await bring();
    expect(await store.sessions.load(first.key)).toBeUndefined();
  });

  it("a full outbox refuses, says so once, and takes turns again when it is empty", async () => {
    await outbox.close();
    await open(2_000);
    outbox.outbox.deliver(plainHooks);
    const large = opening({ turn: { ...turnOf(0), sealed: randomBytes(900) } });
    fail();
    expect(await outbox.sessions.commit(large)).toEqual(DEFERRED);
    await expect(outbox.outbox.ping()).resolves.toBeUndefined();
    for (let tries = 0; tries < 3; tries += 1) {
      const next = opening({ turn: { ...turnOf(0), sealed: randomBytes(900) } });
      await expect(outbox.sessions.commit(next)).rejects.toMatchObject(UNAVAILABLE);
    }
    await expect(outbox.outbox.ping()).rejects.toMatchObject(UNAVAILABLE);
    mend();
    await bring();
    await expect(outbox.outbox.ping()).resolves.toBeUndefined();
    expect(events).toEqual(["outbox_filling", "outbox_full", "outbox_emptied"]);
  });

  it("writes nothing in clear but what the store is given in clear", async () => {
    const [first] = await waiting(1);
    const place = await openPlace(folder.path);
    const [kept] = await place.records.list("waiting:", { limit: 9 });
    await place.close();
    expect(kept?.bytes.toString("utf8")).toContain(first.key);
    expect(kept?.bytes.toString("utf8")).not.toContain("turn 1");
  });
});

describe("when the store is back", () => {
  it("a turn that was written although it seemed to fail is not written twice", async () => {
    const first = opening();
    faults.lostReplies = 2;
    expect(await outbox.sessions.commit(first)).toEqual(DEFERRED);
    expect(await idsIn(first.key)).toEqual([first.turn?.id]);
    await bring();
    expect(await idsIn(first.key)).toEqual([first.turn?.id]);
    expect(deliveries).toEqual(["stored"]);
  });

  it("the same where another replica has gone on behind it", async () => {
    const [first] = await waiting(0);
    mend();
    const second = after(first);
    faults.lostReplies = 2;
    expect(await outbox.sessions.commit(second)).toEqual(DEFERRED);
    const third = followUpOf(second);
    await store.sessions.commit(third);
    await bring();
    expect(await idsIn(first.key)).toEqual([first, second, third].map(({ turn }) => turn?.id));
    expect(deliveries).toEqual(["stored"]);
  });

  it("turns behind which another replica went on are appended anew, in order, straight into the store", async () => {
    const commits = await waiting(2);
    const rival = followUpOf(commits[0]);
    await store.sessions.commit(rival);
    const reappended: TurnCommit[] = [];
    outbox.outbox.deliver({
      ...hooks,
      async reappend(commit, sessions) {
        const now = await sessions.load(commit.key);
        if (!now) return false;
        const sequence = now.turns.length;
        const revision = `${now.revision.split(".")[0]}.${sequence}`;
        reappended.push(commit);
        const moved = { ...commit, expected: now.revision, revision, turn: { ...commit.turn, sequence } };
        return (await sessions.commit(moved)).committed;
      },
    });
    mend();
    await bring();
    expect(deliveries).toEqual(["reappended", "reappended"]);
    expect(await idsIn(commits[0].key)).toEqual([commits[0], rival, ...commits.slice(1)].map(({ turn }) => turn?.id));
  });

  it("turns of a session that is gone are dropped, and it stays gone", async () => {
    const [first] = await waiting(2);
    await store.sessions.remove(first.key);
    mend();
    await bring();
    expect(deliveries).toEqual(["dropped", "dropped"]);
    expect(await store.sessions.load(first.key)).toBeUndefined();
  });

  it("nor does a session that came after it get them", async () => {
    const [first] = await waiting(1);
    await store.sessions.remove(first.key);
    const other = openingOf(first.key, first.fields);
    await store.sessions.commit(other);
    outbox.outbox.deliver({ ...hooks, reappend: async () => true });
    mend();
    await bring();
    expect(deliveries).toEqual(["dropped"]);
    expect(await idsIn(first.key)).toEqual([other.turn?.id]);
  });

  it("a session that began in the outbox of a user who was erased is taken back", async () => {
    fail();
    const first = opening();
    await outbox.sessions.commit(first);
    outbox.outbox.deliver({ ...hooks, isStillTheirs: async () => false });
    mend();
    await bring();
    expect(deliveries).toEqual(["dropped"]);
    expect(await store.sessions.load(first.key)).toBeUndefined();
  });

  it("a session that began here and in another replica as well becomes one, also if the process ends between", async () => {
    fail();
    const first = opening();
    const second = after(first);
    await outbox.sessions.commit(first);
    await outbox.sessions.commit(second);
    await store.sessions.commit(openingOf(first.key, first.fields));
    const reappended: (string | undefined)[] = [];
    outbox.outbox.deliver({
      ...hooks,
      async reappend({ turn }) {
        reappended.push(turn.id);
        faults.commit = reappended.length === 1;
        return true;
      },
    });
    mend();
    await bring();
    expect(deliveries).toEqual(["reappended"]);
    mend();
    await restart();
    outbox.outbox.deliver({ ...hooks, reappend: async ({ turn }) => reappended.push(turn.id) > 0 });
    await bring();
    expect(deliveries).toEqual(["reappended", "reappended"]);
    expect(reappended).toEqual([first.turn?.id, second.turn?.id]);
  });

  it("turns that can never be stored are set aside and kept, and nobody builds on them", async () => {
    const commits = await waiting(2);
    const [first, , last = first] = commits;
    const rivals = await writeTurns(store.sessions, followUpOf(first), 2);
    outbox.outbox.deliver({ ...hooks, reappend: () => Promise.reject(new TypeError("unreadable")) });
    mend();
    await bring();
    expect(deliveries).toEqual(["set_aside", "set_aside"]);
    expect(events).toEqual(["outbox_filling", "outbox_turns_set_aside", "outbox_emptied"]);
    expect(outbox.outbox.depth()).toBe(0);
    const place = await openPlace(folder.path);
    expect(await place.records.list("set-aside:", { limit: 9 })).toHaveLength(2);
    await place.close();
    // The store is at a revision of the same name by now.
    expect(rivals.at(-1)?.revision).toBe(last.revision);
    const known = { revision: last.revision, sequence: 2 };
    const stored = { revision: last.revision, turns: [first, ...rivals].map(({ turn }) => turn) };
    expect(await outbox.sessions.load(first.key, known)).toMatchObject(stored);
    expect(await outbox.sessions.commit(after(last))).toMatchObject({ committed: false, current: stored });
  });

  it("an erasure takes what waits of the user, and nobody else's", async () => {
    const [mine] = await waiting(2);
    const theirs = opening();
    await outbox.sessions.commit(theirs);
    expect(outbox.outbox.depth()).toBe(3);
    expect(await outbox.sessions.removeOwner(mine.fields.owner)).toBe(1);
    expect(outbox.outbox.depth()).toBe(1);
    mend();
    await bring();
    expect(await store.sessions.load(mine.key)).toBeUndefined();
    expect(await idsIn(theirs.key)).toEqual([theirs.turn?.id]);
    await restart();
    expect(outbox.outbox.depth()).toBe(0);
  });

  it("each change of state is one line in the log", async () => {
    await waiting(3);
    mend();
    await bring();
    expect(events).toEqual(["outbox_filling", "outbox_emptied"]);
    await waiting(1);
    await restart();
    expect(events).toEqual(["outbox_filling"]);
  });
});
