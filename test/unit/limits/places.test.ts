import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Admission, Limiter } from "../../../src/limits/limiter.ts";
import { burst, createReplicas, settled, user } from "./limiter-fixtures.ts";

const TTL = 30_000;
const places = { concurrentRequests: 2 };
const ada = user("ada");

const tooMany = (): unknown => expect.objectContaining({ code: "rate_limit_exceeded", retryAfterMs: 1_000 });
const admitAll = (limiters: readonly Limiter[]): Promise<Admission[]> =>
  Promise.all(limiters.map(async (limiter) => limiter.admit(ada)));

describe("requests that run at once", () => {
  it.each([1, 2, 10, 40, 100])("one replica alone may have all of %i, and all three no more", async (limit) => {
    const { replica } = createReplicas({ concurrentRequests: limit });
    const alone = replica();
    expect(await burst([alone], limit + 5)).toBe(limit);
    expect(await burst([replica(), replica()], 10)).toBe(0);
  });

  it("of 50 at once to three replicas, exactly the 20 of the limit run", async () => {
    const { replica } = createReplicas({ concurrentRequests: 20 });
    expect(await burst([replica(), replica(), replica()], 50)).toBe(20);
  });

  it("a place is free again when its request has ended, on every replica, however often that is said", async () => {
    const { replica } = createReplicas(places);
    const [one, other] = [replica(), replica()];
    const [first] = await admitAll([one, one]);
    await expect(other.admit(ada)).rejects.toEqual(tooMany());
    first?.done(0);
    first?.done(0);
    await settled();
    await other.admit(ada);
    await expect(other.admit(ada)).rejects.toEqual(tooMany());
  });

  it("one that was refused elsewhere takes no place", async () => {
    const { replica } = createReplicas({ ...places, requestsPerMinute: 1 });
    const limiter = replica();
    (await limiter.admit(ada)).done(0);
    await burst([limiter], 10);
    await settled();
    const others = user("ada", { requestsPerMinute: 100 });
    expect(await burst([replica()], 9, others)).toBe(2);
  });

  it("a replica that crashed frees its places by itself", async () => {
    const { replica, clock } = createReplicas(places);
    await admitAll([replica(), replica()]);
    const survivor = replica();
    clock.advance(TTL - 1);
    await expect(survivor.admit(ada)).rejects.toEqual(tooMany());
    clock.advance(1);
    expect(await burst([survivor], 5)).toBe(2);
  });
});

describe("while time passes", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("a request keeps its place for as long as it runs, and no longer", async () => {
    const { replica } = createReplicas(places, { clock: Date.now });
    const [one, other] = [replica(), replica()];
    const running = await admitAll([one, one]);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    await expect(other.admit(ada)).rejects.toEqual(tooMany());
    for (const { done } of running) done(0);
    await vi.advanceTimersByTimeAsync(0);
    await admitAll([other, other]);
    await one.close();
    await other.close();
  });

  it("a replica with nothing to hold asks nothing", async () => {
    const { replica, calls } = createReplicas(places, { clock: Date.now });
    const limiter = replica();
    (await limiter.admit(ada)).done(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(calls).toHaveLength(2);
    await limiter.close();
  });
});
