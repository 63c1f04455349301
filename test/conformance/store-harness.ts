import { afterAll, beforeAll } from "vitest";

import type { StoreBackend } from "../../src/store/store-backend.ts";

/** A backend under test and the hand on its clock. */
export interface StoreUnderTest {
  readonly backend: StoreBackend;
  /** The time that the backend goes by. */
  readonly now: () => number;
  /** Lets time pass: by winding the clock; also by waiting, where a server's own clock decides. */
  readonly elapse: (ms: number) => Promise<void>;
  /** Called after every test of the suite; the suite has closed the backend by then. */
  readonly cleanUp?: () => Promise<void>;
}

export interface StoreSuiteOptions {
  /** Called once per suite. Storage may be shared between suites and runs: every test uses names of its own. */
  readonly open: () => Promise<StoreUnderTest>;
}

/** Opens a backend before the rules of a suite and closes it after them. */
export function openForSuite(open: StoreSuiteOptions["open"]): () => StoreUnderTest {
  let tested: StoreUnderTest | undefined;
  beforeAll(async () => {
    tested = await open();
  });
  afterAll(async () => {
    await tested?.backend.close();
    await tested?.cleanUp?.();
  });
  return () => {
    if (!tested) throw new TypeError("the store is open while rules run");
    return tested;
  };
}
