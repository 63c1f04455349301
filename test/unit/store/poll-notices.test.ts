import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { NoticeStore } from "../../../src/store/notice-store.ts";
import { openNoticePoller } from "../../../src/store/poll-notices.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;

/** A store that can be taken away, and everything that one listener heard of it. */
async function createSubject({ startsAway = false } = {}) {
  const clock = createHandClock();
  const store = createMemoryBackend({ clock: clock.now }).notices;
  let isAway = startsAway;
  const notices: NoticeStore = {
    post: (notice) => store.post(notice),
    read: (after) => (isAway ? Promise.reject(storeUnavailable("away")) : store.read(after)),
  };
  const { log, events } = createRecordedLog();
  await store.post("erased before");
  const poller = await openNoticePoller({ notices, clock: clock.now, log });
  const heard: string[] = [];
  poller.on("erased", (owner) => void heard.push(`erased:${owner}`));
  poller.on("relinked", (rest) => void heard.push(`relinked:${rest}`));
  poller.onMissed(() => void heard.push("missed"));
  return { clock, store, poller, heard, events, away: (away: boolean) => void (isAway = away) };
}

describe("a listener to notices", () => {
  it("hears of its kinds within a second, in order, and of nothing that was said before it listened", async () => {
    const { store, heard } = await createSubject();
    await store.post("erased ada");
    await store.post("unknown kind");
    await store.post("relinked");
    await store.post("erased bob in full");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(["erased:ada", "relinked:", "erased:bob in full"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(heard).toHaveLength(3);
  });

  it("catches up after an outage, and logs none of its seconds", async () => {
    const { store, heard, away, clock, events } = await createSubject();
    away(true);
    await store.post("erased ada");
    await vi.advanceTimersByTimeAsync(5_000);
    clock.advance(5 * MINUTE_MS);
    expect(heard).toEqual([]);
    away(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(["erased:ada"]);
    expect(events).toEqual([]);
  });

  it("says that it missed something when the outage was as long as notices are kept", async () => {
    const { store, heard, away, clock } = await createSubject();
    away(true);
    await vi.advanceTimersByTimeAsync(2_000);
    clock.advance(10 * MINUTE_MS);
    await store.post("erased ada");
    away(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(["missed", "erased:ada"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toHaveLength(2);
  });

  it("that began while the store was away says so, because it does not know since when it listens", async () => {
    const { heard, away } = await createSubject({ startsAway: true });
    away(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(["missed"]);
  });

  it("goes on when a part fails over a notice, and logs that", async () => {
    const { store, poller, heard, events } = await createSubject();
    poller.on("relinked", () => {
      throw new TypeError("a mistake");
    });
    await store.post("relinked");
    await vi.advanceTimersByTimeAsync(1_000);
    await store.post("erased ada");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(["relinked:", "erased:ada"]);
    expect(events).toEqual(["notice failed"]);
  });

  it("is asked by nobody any more once it is closed", async () => {
    const { store, poller, heard } = await createSubject();
    poller.close();
    await store.post("erased ada");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
