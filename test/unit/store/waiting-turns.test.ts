import { expect, it } from "vitest";

import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { TurnCommit } from "../../../src/store/outbox/delivery-hooks.ts";
import { openWaitingTurns } from "../../../src/store/outbox/waiting-turns.ts";
import { openingOf, turnOf, uniqueName } from "../../support/store-commits.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

it("turns that two processes set aside under the same number are both kept", async () => {
  const clock = createHandClock();
  const { records } = createMemoryBackend({ clock: clock.now });
  const fields = { owner: "owner", createdAt: clock.now(), expiresAt: clock.now() + 60_000, loadFrom: 0 };
  for (let process = 0; process < 3; process += 1) {
    const waiting = await openWaitingTurns({ records, maxBytes: 1_000_000, log: createRecordedLog().log });
    const commit: TurnCommit = { ...openingOf(uniqueName("session"), fields), turn: turnOf(0) };
    await waiting.add(commit);
    await waiting.setAside(commit.key);
  }
  const kept = await records.list("", { limit: 10 });
  expect(kept.filter(({ name }) => name.startsWith("set-aside:"))).toHaveLength(3);
  expect(kept).toHaveLength(3);
});
