import { expect, it, vi } from "vitest";

import { openTokenCounters } from "../../../src/tokens/open-token-counters.ts";
import { recordingLog, temporaryDirectory } from "./vocabulary-fixture.ts";

vi.mock("node:child_process", () => ({
  execFile: (...call: unknown[]) => {
    const done = call.at(-1) as (error: Error) => void;
    setImmediate(() => done(new Error("no process for you")));
  },
}));

it("vocabularies that cannot be packed leave estimates and one warning", async () => {
  const log = recordingLog();
  const counters = openTokenCounters({ cacheDirectory: temporaryDirectory(), log });
  await counters.ready;
  expect(counters.exact).toBe(false);
  expect(counters.forModel("gpt-4o").countText("four words of text")).toBe(5);
  expect(log.warnings).toEqual(["token vocabularies not loaded, counts are estimates"]);
});
