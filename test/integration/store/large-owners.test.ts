import { afterAll, beforeAll, expect, it } from "vitest";

import { openStore } from "../../../src/store/open-store.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { withBreaker } from "../../../src/store/with-breaker.ts";
import { HOUR_MS, mustCommit, openingOf, uniqueName } from "../../support/store-commits.ts";
import { type StartedStore, storeKinds } from "../../support/store-kinds.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../../support/store-temp-folder.ts";

/** Several times what any store removes at once. */
const SESSIONS = 250;
const AT_ONCE = 50;

// What lives in memory is gone in one piece, at once.
for (const { name, describe, start } of storeKinds.filter((kind) => kind.isDurable)) {
  describe(`the many sessions of one owner, over ${name}`, () => {
    let folder: TempFolder;
    let store: StartedStore;
    let backend: StoreBackend;
    beforeAll(async () => {
      folder = await createTempFolder();
      store = await start(folder.path);
      const { log } = createRecordedLog();
      backend = await openStore(store.env["STATEGATE_STORE"] ?? "", { clock: Date.now, log, commandTimeoutMs: 20_000 });
    });
    afterAll(async () => {
      await backend.close();
      await store.stop();
      await folder.remove();
    });

    const write = async (owner: string): Promise<void> => {
      const fields = { owner, createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, loadFrom: 0 };
      for (let written = 0; written < SESSIONS; written += AT_ONCE) {
        const openings = Array.from({ length: AT_ONCE }, () => openingOf(uniqueName("session"), fields));
        await Promise.all(openings.map((opening) => mustCommit(backend.sessions, opening)));
      }
    };

    it("are removed by many calls of a breaker, so that slow work is no outage", async () => {
      const owner = uniqueName("owner");
      await write(owner);
      const { log, events } = createRecordedLog();
      const calls: string[] = [];
      const onCall = (operation: string, outcome: string): void => void calls.push(`${operation} ${outcome}`);
      const guarded = withBreaker(backend, { timeoutMs: 20_000, clock: Date.now, log, onCall });
      expect(await guarded.sessions.removeOwner(owner)).toBe(SESSIONS);
      expect(new Set(calls)).toEqual(new Set(["removeOwner ok"]));
      expect(calls.length).toBeGreaterThan(2);
      expect(events).toEqual([]);
    });

    it("that a broken-off removal left are removed by the next one", async () => {
      const owner = uniqueName("owner");
      await write(owner);
      let pieces = 0;
      const removing = backend.sessions.removeOwner(owner, async (piece) => {
        if (pieces === 2) throw storeUnavailable("broken off by a test");
        pieces += 1;
        return piece();
      });
      await expect(removing).rejects.toMatchObject({ code: "store_unavailable" });
      const left = await backend.sessions.count(owner, SESSIONS);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(SESSIONS);
      expect(await backend.sessions.removeOwner(owner)).toBe(left);
      expect(await backend.sessions.count(owner, SESSIONS)).toBe(0);
    });
  });
}
