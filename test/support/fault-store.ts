import type { StoreBackend } from "../../src/store/store-backend.ts";
import { storeUnavailable } from "../../src/store/store-unavailable.ts";

/** What goes wrong from now on. `reply`: the work is done, the answer is lost; a number loses that many. */
export interface StoreFaults {
  load: boolean;
  readTurns: boolean;
  commit: boolean;
  lostReplies: number;
  /** Happens between the work and the loss of its answer. */
  beforeLoss: () => Promise<unknown>;
}

export const noFaults = (): StoreFaults => ({
  load: false,
  readTurns: false,
  commit: false,
  lostReplies: 0,
  beforeLoss: async () => undefined,
});

/** The same backend, failing as `faults` says at the time of each call. */
export function withFaults(backend: StoreBackend, faults: StoreFaults): StoreBackend {
  const { sessions } = backend;
  const refuse = (isBroken: boolean): void => {
    if (isBroken) throw storeUnavailable("broken by a test");
  };
  return {
    ...backend,
    sessions: {
      ...sessions,
      async load(key, known) {
        refuse(faults.load);
        return sessions.load(key, known);
      },
      async readTurns(key, from, to) {
        refuse(faults.readTurns);
        return sessions.readTurns(key, from, to);
      },
      async commit(commit) {
        refuse(faults.commit);
        const outcome = await sessions.commit(commit);
        if (faults.lostReplies > 0) {
          faults.lostReplies -= 1;
          await faults.beforeLoss();
          throw storeUnavailable("the reply was lost by a test");
        }
        return outcome;
      },
    },
  };
}
