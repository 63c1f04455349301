import { setTimeout as pause } from "node:timers/promises";

import { afterAll, beforeAll, describe } from "vitest";

import { openPostgresBackend } from "../../../src/store/postgres/postgres-backend.ts";
import { describeStoreBackend } from "../../conformance/store-backend.suite.ts";
import type { StoreUnderTest } from "../../conformance/store-harness.ts";
import { type PgliteServer, startPgliteServer } from "../../support/pglite-server.ts";
import { describeWithPostgres, type PostgresServer, startPostgresServer } from "../../support/postgres-server.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

/** Leases go by the server's clock, so a test that lets one run out truly waits; nothing else waits. */
const LONGEST_WAIT_MS = 200;

async function open(address: string): Promise<StoreUnderTest> {
  const clock = createHandClock();
  const { log } = createRecordedLog();
  return {
    backend: await openPostgresBackend({ address, clock: clock.now, log, commandTimeoutMs: 20_000 }),
    now: clock.now,
    async elapse(ms) {
      clock.advance(ms);
      if (ms > 0 && ms <= LONGEST_WAIT_MS) await pause(ms + 20);
    },
  };
}

describeWithPostgres("with a PostgreSQL server", () => {
  let server: PostgresServer;
  let address: string;
  beforeAll(async () => {
    server = await startPostgresServer();
    address = await server.createDatabase();
  });
  afterAll(() => server.stop());

  describeStoreBackend("postgres", { open: () => open(address) });
});

describe("with PGlite behind its socket server", () => {
  let server: PgliteServer;
  beforeAll(async () => {
    server = await startPgliteServer();
  });
  afterAll(() => server.stop());

  describeStoreBackend("postgres in PGlite", {
    async open() {
      await server.forgetStatements();
      return open(server.address);
    },
  });
});
