import { afterAll, beforeAll, describe } from "vitest";

import { openDynamoBackend } from "../../../src/store/dynamodb/dynamo-backend.ts";
import { describeStoreBackend } from "../../conformance/store-backend.suite.ts";
import { type DynamoServer, startDynamoServer } from "../../support/dynamo-server.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

describe("with a DynamoDB server", () => {
  let server: DynamoServer;
  beforeAll(async () => {
    server = await startDynamoServer();
  });
  afterAll(() => server.stop());

  describeStoreBackend("dynamodb", {
    async open() {
      const clock = createHandClock();
      const { log } = createRecordedLog();
      // Many of the rules ask for hundreds of things at once, which a single process answers one by one.
      const options = { clock: clock.now, log, requestTimeoutMs: 20_000 };
      return {
        backend: await openDynamoBackend({ address: await server.createTable(), ...options }),
        now: clock.now,
        elapse: async (ms) => clock.advance(ms),
      };
    },
  });
});
