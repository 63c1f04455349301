import { join } from "node:path";

import { openSqliteBackend } from "../../../src/store/sqlite/sqlite-backend.ts";
import { describeStoreBackend } from "../../conformance/store-backend.suite.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder } from "../../support/store-temp-folder.ts";

describeStoreBackend("sqlite", {
  async open() {
    const clock = createHandClock();
    const folder = await createTempFolder();
    const path = join(folder.path, "data", "stategate.db");
    return {
      backend: await openSqliteBackend({ path, clock: clock.now, log: createRecordedLog().log }),
      now: clock.now,
      elapse: async (ms) => clock.advance(ms),
      cleanUp: () => folder.remove(),
    };
  },
});
