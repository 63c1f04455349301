import { describe, expect, it } from "vitest";

import type { SessionCommit, SessionFields, SessionStore } from "../../src/store/session-store.ts";
import { HOUR_MS, mustCommit, openingOf, uniqueName } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

/** What `SessionStore.scan` promises. */
export function describeSessionScan(name: string, { open }: StoreSuiteOptions): void {
  describe(`session scan: ${name}`, () => {
    const tested = openForSuite(open);
    const store = (): SessionStore => tested().backend.sessions;
    const elapse = (ms: number): Promise<void> => tested().elapse(ms);
    const fields = (): SessionFields => {
      const createdAt = tested().now();
      return { owner: uniqueName("owner"), createdAt, expiresAt: createdAt + HOUR_MS, loadFrom: 0 };
    };
    const opening = (changes?: Partial<SessionCommit>): SessionCommit =>
      openingOf(uniqueName("session"), fields(), changes);

    const scanned = async (): Promise<string[]> => {
      const keys: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await store().scan(after);
        keys.push(...page.keys);
        if (page.next === undefined) return keys;
        after = page.next;
      }
    };

    it("a walk names every live session, and none that expired or was removed", async () => {
      const commits = Array.from({ length: 1_100 }, () => opening());
      await Promise.all(commits.map((commit) => mustCommit(store(), commit)));
      const ending = opening({ fields: { ...fields(), expiresAt: fields().createdAt + 1_000 } });
      const removed = opening();
      await mustCommit(store(), ending);
      await mustCommit(store(), removed);
      await store().remove(removed.key);
      await elapse(1_000);
      const keys = new Set(await scanned());
      expect(commits.filter(({ key }) => !keys.has(key))).toEqual([]);
      expect([keys.has(ending.key), keys.has(removed.key)]).toEqual([false, false]);
    });

    it("what is written and removed during a walk hides no session from it", async () => {
      const commits = Array.from({ length: 1_100 }, () => opening());
      await Promise.all(commits.map((commit) => mustCommit(store(), commit)));
      const going = commits.filter((_, index) => index % 3 === 0);
      const walk = scanned();
      await Promise.all(going.flatMap(({ key }) => [store().remove(key), mustCommit(store(), opening())]));
      const keys = new Set(await walk);
      expect(commits.filter((commit) => !going.includes(commit) && !keys.has(commit.key))).toEqual([]);
    });
  });
}
