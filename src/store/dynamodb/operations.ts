import { storeUnavailable } from "../store-unavailable.ts";

/** The calls under way, so that the store ends after them: a call may take several requests. */
export interface Operations {
  /** Rejects with `store_unavailable` once closing has begun. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Work that nobody waits for but the end, and that may fail: what it leaves is harmless. */
  tidy(work: () => Promise<unknown>): void;
  /** Resolves when everything under way has ended. */
  close(): Promise<void>;
}

export function createOperations(): Operations {
  const underWay = new Set<Promise<unknown>>();
  let closed = false;
  const keep = <T>(call: Promise<T>): Promise<T> => {
    const settled = call.then(noop, noop).finally(() => underWay.delete(settled));
    underWay.add(settled);
    return call;
  };
  return {
    run: async (call) => {
      if (closed) throw storeUnavailable("the DynamoDB store is closed");
      return keep(call());
    },
    tidy: (work) => void keep(work()).catch(noop),
    async close() {
      closed = true;
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

const noop = (): void => undefined;
