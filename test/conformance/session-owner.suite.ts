import { describe, expect, it } from "vitest";

import type { SessionFields } from "../../src/store/session-store.ts";
import { followUpOf, HOUR_MS, mustCommit, openingOf, uniqueName, writeTurns } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

/** What `SessionStore` promises about all sessions of one owner, as tests. */
export function describeSessionOwners(name: string, { open }: StoreSuiteOptions): void {
  describe(`session owners: ${name}`, () => {
    const tested = openForSuite(open);

    const fieldsOf = (owner: string, changes: Partial<SessionFields> = {}): SessionFields => ({
      owner,
      createdAt: tested().now(),
      expiresAt: tested().now() + HOUR_MS,
      loadFrom: 0,
      ...changes,
    });
    /** Sessions of one owner, two turns each; returns their keys. */
    const write = async (owner: string, count: number, changes: Partial<SessionFields> = {}): Promise<string[]> => {
      const openings = Array.from({ length: count }, (_, index) =>
        openingOf(uniqueName("session"), fieldsOf(owner, { createdAt: tested().now() + index, ...changes })),
      );
      await Promise.all(openings.map((opening) => writeTurns(tested().backend.sessions, opening, 2)));
      return openings.map(({ key }) => key);
    };
    const snapshots = (keys: readonly string[]): Promise<unknown[]> =>
      Promise.all(keys.map((key) => tested().backend.sessions.load(key)));

    it("live sessions are counted, each owner's own, up to what was asked for", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      expect(await sessions.count(owner, 10)).toBe(0);
      await write(owner, 7);
      await write(uniqueName("owner"), 3);
      expect(await sessions.count(owner, 100)).toBe(7);
      expect(await sessions.count(owner, 7)).toBe(7);
      expect(await sessions.count(owner, 5)).toBe(5);
      expect(await sessions.count(owner, 0)).toBe(0);
      expect(await sessions.count("*", 10)).toBe(0);
    });

    it("more sessions than a page are counted one by one", async () => {
      const owner = uniqueName("owner");
      const soon = tested().now() + HOUR_MS / 2;
      await write(owner, 300, { expiresAt: soon });
      await write(owner, 350);
      expect(await tested().backend.sessions.count(owner, 1_000)).toBe(650);
      await tested().elapse(HOUR_MS / 2);
      expect(await tested().backend.sessions.count(owner, 1_000)).toBe(350);
      expect(await tested().backend.sessions.count(owner, 349)).toBe(349);
    });

    it("expired and removed sessions are not counted, prolonged ones are", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      const [removed = ""] = await write(owner, 3);
      await sessions.remove(removed);
      expect(await sessions.count(owner, 9)).toBe(2);
      const prolonged = openingOf(uniqueName("session"), fieldsOf(owner));
      await mustCommit(sessions, prolonged);
      const later = fieldsOf(owner, { createdAt: prolonged.fields.createdAt, expiresAt: tested().now() + 3 * HOUR_MS });
      await mustCommit(sessions, followUpOf(prolonged, { fields: later }));
      await tested().elapse(HOUR_MS);
      expect(await sessions.count(owner, 9)).toBe(1);
    });

    it("the loser of a race to create is not counted", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      const key = uniqueName("session");
      const rivals = [0, 1, 2].map((later) => openingOf(key, fieldsOf(owner, { createdAt: tested().now() + later })));
      await Promise.all(rivals.map((rival) => sessions.commit(rival)));
      expect(await sessions.count(owner, 9)).toBe(1);
    });

    it("an owner's sessions are removed whole, and others' stay as they are, byte for byte", async () => {
      const { sessions } = tested().backend;
      const [owner, other] = [uniqueName("owner"), uniqueName("owner")];
      const [keys, others] = [await write(owner, 60), await write(other, 10)];
      const before = await snapshots(others);
      const listBefore = await sessions.list(other, { limit: 99, order: "asc" });
      expect(await sessions.removeOwner(owner)).toBe(60);
      expect(await snapshots(keys)).toEqual(keys.map(() => undefined));
      expect(await sessions.readTurns(keys[0] ?? "", 0, 9)).toEqual([]);
      expect(await sessions.list(owner, { limit: 99, order: "asc" })).toEqual([]);
      expect(await sessions.count(owner, 99)).toBe(0);
      expect(await snapshots(others)).toEqual(before);
      expect(await sessions.list(other, { limit: 99, order: "asc" })).toEqual(listBefore);
    });

    it("removing an owner again, or one who has nothing, is no error", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      await write(owner, 2);
      expect(await sessions.removeOwner(owner)).toBe(2);
      expect(await sessions.removeOwner(owner)).toBe(0);
      expect(await sessions.removeOwner(uniqueName("owner"))).toBe(0);
      expect(await sessions.removeOwner("*")).toBe(0);
    });

    it("an owner is removed only through the step that is handed in", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      await write(owner, 3);
      const refusal = new Error("not now");
      await expect(sessions.removeOwner(owner, () => Promise.reject(refusal))).rejects.toBe(refusal);
      expect(await sessions.count(owner, 9)).toBe(3);
      expect(await sessions.removeOwner(owner, (piece) => piece())).toBe(3);
    });

    it("expired sessions go with the owner's live ones, and are not part of the number", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      await write(owner, 4, { expiresAt: tested().now() + 50 });
      await write(owner, 3);
      await tested().elapse(50);
      expect(await sessions.removeOwner(owner)).toBe(3);
      // Were an expired one still there, a clock that is set back would show it.
      await tested().elapse(-50);
      expect(await sessions.count(owner, 9)).toBe(0);
    });

    it("an owner who was removed may begin anew", async () => {
      const { sessions } = tested().backend;
      const owner = uniqueName("owner");
      const [key = ""] = await write(owner, 1);
      await sessions.removeOwner(owner);
      const fresh = openingOf(key, fieldsOf(owner));
      await mustCommit(sessions, fresh);
      expect((await sessions.load(key))?.turns).toEqual([fresh.turn]);
      expect(await sessions.count(owner, 9)).toBe(1);
      expect(await sessions.list(owner, { limit: 9, order: "desc" })).toHaveLength(1);
    });
  });
}
