/** The promises of a backend, kept with an outbox before it: of one that always answers, and of one that refuses every turn at first. */
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import { withOutbox } from "../../../src/store/outbox/with-outbox.ts";
import type { StoreBackend } from "../../../src/store/store-backend.ts";
import { describeStoreBackend } from "../../conformance/store-backend.suite.ts";
import type { StoreUnderTest } from "../../conformance/store-harness.ts";
import { plainHooks, withoutDeferral, withReluctance } from "../../support/outbox-parts.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

async function openWith(wrap: (backend: StoreBackend) => StoreBackend): Promise<StoreUnderTest> {
  const clock = createHandClock();
  const backend = await withOutbox(wrap(createMemoryBackend({ clock: clock.now })), {
    place: createMemoryBackend({ clock: clock.now }),
    clock: clock.now,
    log: createRecordedLog().log,
  });
  backend.outbox.deliver(plainHooks);
  return {
    backend: withoutDeferral(backend),
    now: clock.now,
    async elapse(ms) {
      // What waits is brought to the store every second, and asking for everything brings it too.
      await backend.sessions.scan(undefined);
      clock.advance(ms);
    },
  };
}

describeStoreBackend("outbox", { open: () => openWith((backend) => backend) });

describeStoreBackend("outbox before a reluctant store", { open: () => openWith(withReluctance) });
