import { join } from "node:path";

import type { DeliveryHooks } from "../../src/store/outbox/delivery-hooks.ts";
import { openSqliteBackend } from "../../src/store/sqlite/sqlite-backend.ts";
import type { StoreBackend } from "../../src/store/store-backend.ts";
import { storeUnavailable } from "../../src/store/store-unavailable.ts";

/** A place for waiting turns in a folder. */
export const openPlace = (folder: string): Promise<StoreBackend> =>
  openSqliteBackend({
    path: join(folder, "outbox.db"),
    clock: Date.now,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });

/** Hooks of somebody who cannot open a session: nobody is erased, and nobody else writes. */
export const plainHooks: DeliveryHooks = {
  isStillTheirs: async () => true,
  reappend: async () => false,
};

/** The same backend, which takes a turn that it would take only when it is brought for the third time. */
export function withReluctance(backend: StoreBackend): StoreBackend {
  const tries = new Map<string, number>();
  const { sessions } = backend;
  return {
    ...backend,
    sessions: {
      ...sessions,
      async commit(commit) {
        const name = commit.revision + commit.head.toString("hex");
        const stored = await sessions.load(commit.key);
        const isTaken = stored?.turns.some(({ sequence }) => sequence === commit.turn?.sequence) ?? false;
        const isNext = stored?.revision === commit.expected && commit.turn !== undefined && !isTaken;
        const before = tries.get(name) ?? 0;
        tries.set(name, before + 1);
        if (isNext && before < 2) throw storeUnavailable("the store is reluctant in this test");
        return sessions.commit(commit);
      },
    },
  };
}

/** The same backend, which does not say that a turn waits: nothing else of its promises changes. */
export function withoutDeferral(backend: StoreBackend): StoreBackend {
  const { sessions } = backend;
  return {
    ...backend,
    sessions: {
      ...sessions,
      async commit(commit) {
        const outcome = await sessions.commit(commit);
        return outcome.committed ? { committed: true } : outcome;
      },
    },
  };
}
