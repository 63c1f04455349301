import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import { describeStoreBackend } from "../../conformance/store-backend.suite.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";

describeStoreBackend("memory", {
  async open() {
    const clock = createHandClock();
    return {
      backend: createMemoryBackend({ clock: clock.now }),
      now: clock.now,
      elapse: async (ms) => clock.advance(ms),
    };
  },
});
