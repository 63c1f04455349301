import { describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { QuotaStore } from "../../../src/store/quota-store.ts";
import { burst, createReplicas, MIDNIGHT, MINUTE, settled, user } from "./limiter-fixtures.ts";

const refusal = (retryAfterMs: number): unknown =>
  expect.objectContaining({ code: "rate_limit_exceeded", retryAfterMs });

describe("requests per minute", () => {
  it.each([1, 2, 19, 20, 39, 40, 60, 1_000])("one replica alone may use all of %i, and no more", async (limit) => {
    const { replica } = createReplicas({ requestsPerMinute: limit });
    const limiter = replica();
    expect(await burst([limiter], limit - 1)).toBe(limit - 1);
    expect(await burst([limiter], 3)).toBe(1);
  });

  it("of 50 requests at once to three replicas, exactly the 20 of the limit pass", async () => {
    const { replica } = createReplicas({ requestsPerMinute: 20 });
    expect(await burst([replica(), replica(), replica()], 50)).toBe(20);
  });

  it.each([3, 100, 1_000])("three replicas together never pass %i, and waste a block each at most", async (limit) => {
    const { replica } = createReplicas({ requestsPerMinute: limit });
    const limiters = [replica(), replica(), replica()];
    let admitted = 0;
    for (let round = 0; round < limit; round += 1) admitted += await burst(limiters, 3);
    expect(admitted).toBeLessThanOrEqual(limit);
    expect(admitted).toBeGreaterThanOrEqual(limit - 2 * Math.floor(limit / 20));
  });

  it("says to the millisecond when the next minute begins, and lets in from then on", async () => {
    const { replica, clock } = createReplicas({ requestsPerMinute: 1 });
    const limiter = replica();
    clock.advance(12_345);
    await limiter.admit(user("ada"));
    await expect(limiter.admit(user("ada"))).rejects.toEqual(refusal(MINUTE - 12_345));
    clock.advance(MINUTE - 12_346);
    await expect(limiter.admit(user("ada"))).rejects.toEqual(refusal(1));
    clock.advance(1);
    await limiter.admit(user("ada"));
  });

  it("asks the store for a block, and then not while any of it is held", async () => {
    const { replica, calls } = createReplicas({ requestsPerMinute: 1_000 });
    const limiter = replica();
    for (let index = 0; index < 30; index += 1) await limiter.admit(user("ada"));
    expect(calls).toEqual(["take ada:requestsPerMinute"]);
    expect(await burst([limiter], 970)).toBe(970);
    expect(calls.length).toBeLessThan(150);
  });

  it("fetches the next block before the last one is used up, so that nobody waits for it", async () => {
    const { replica, calls } = createReplicas({ requestsPerMinute: 200 });
    const limiter = replica();
    for (let index = 0; index < 8; index += 1) await limiter.admit(user("ada"));
    expect(calls).toHaveLength(2);
    await settled();
    for (let index = 0; index < 3; index += 1) await limiter.admit(user("ada"));
    expect(calls).toHaveLength(2);
  });

  it("asks nothing more when nothing is left", async () => {
    const { replica, calls } = createReplicas({ requestsPerMinute: 5 });
    const limiter = replica();
    await burst([limiter], 6);
    await settled();
    const asked = calls.length;
    expect(await burst([limiter], 100)).toBe(0);
    expect(calls).toHaveLength(asked);
  });

  it("counts each user alone", async () => {
    const { replica } = createReplicas({ requestsPerMinute: 2 });
    const limiter = replica();
    expect(await burst([limiter], 5, user("ada"))).toBe(2);
    expect(await burst([limiter], 5, user("grace"))).toBe(2);
  });

  it("goes by what the key says, number by number; what is used is used for all keys of the user", async () => {
    const { replica } = createReplicas({ requestsPerMinute: 2, tokensPerMinute: 5 });
    const limiter = replica();
    const owned = user("ada", { requestsPerMinute: 4, sessions: undefined });
    expect(await burst([limiter], 9, owned)).toBe(4);
    expect(await burst([limiter], 9, user("ada"))).toBe(0);
    (await limiter.admit(user("grace", { requestsPerMinute: 4 }))).done(5);
    await expect(limiter.admit(user("grace", { requestsPerMinute: 4 }))).rejects.toThrow("tokensPerMinute");
  });

  it("has no part in a request that another limit refuses", async () => {
    const { replica } = createReplicas({ requestsPerMinute: 3, concurrentRequests: 1 });
    const limiter = replica();
    const { done } = await limiter.admit(user("ada"));
    expect(await burst([limiter], 20)).toBe(0);
    done(0);
    (await limiter.admit(user("ada"))).done(0);
    (await limiter.admit(user("ada"))).done(0);
    expect(await burst([limiter], 20)).toBe(0);
  });
});

describe("tokens", () => {
  it("are charged when an answer has ended; who is in debt waits for the next window", async () => {
    const { replica, clock } = createReplicas({ tokensPerMinute: 100 });
    const [one, other] = [replica(), replica()];
    (await one.admit(user("ada"))).done(70);
    (await one.admit(user("ada"))).done(70);
    await settled();
    await expect(one.admit(user("ada"))).rejects.toEqual(refusal(MINUTE));
    await expect(other.admit(user("ada"))).rejects.toEqual(refusal(MINUTE));
    clock.advance(MINUTE);
    await one.admit(user("ada"));
    await other.admit(user("ada"));
  });

  it("of a day are there again at midnight, UTC", async () => {
    const { replica, clock } = createReplicas({ tokensPerDay: 100 });
    const limiter = replica();
    clock.advance(MINUTE * 60 * 23);
    (await limiter.admit(user("ada"))).done(100);
    await settled();
    await expect(limiter.admit(user("ada"))).rejects.toEqual(refusal(MINUTE * 60));
    clock.advance(MINUTE * 60);
    await limiter.admit(user("ada"));
  });

  it("that were not billed cost nothing, and no answer is charged twice", async () => {
    const { replica } = createReplicas({ tokensPerMinute: 10 });
    const limiter = replica();
    for (let index = 0; index < 50; index += 1) (await limiter.admit(user("ada"))).done(0);
    const { done } = await limiter.admit(user("ada"));
    done(9);
    done(9);
    await settled();
    await limiter.admit(user("ada"));
  });

  it("are charged to the window in which the answer ended", async () => {
    const { replica, clock } = createReplicas({ tokensPerMinute: 10 });
    const limiter = replica();
    const { done } = await limiter.admit(user("ada"));
    clock.advance(MINUTE);
    done(10);
    await settled();
    await expect(limiter.admit(user("ada"))).rejects.toThrow("tokensPerMinute");
  });
});

describe("what a user is told", () => {
  it("is the tighter of the token limits, in OpenAI's words, also when refused", async () => {
    const { replica, clock } = createReplicas({ requestsPerMinute: 2, tokensPerMinute: 50, tokensPerDay: 10_000 });
    const limiter = replica();
    clock.advance(12_340);
    const { headers, done } = await limiter.admit(user("ada"));
    expect(headers).toEqual({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "1",
      "x-ratelimit-reset-requests": "47.66s",
      "x-ratelimit-limit-tokens": "50",
      "x-ratelimit-remaining-tokens": "50",
      "x-ratelimit-reset-tokens": "47.66s",
    });
    done(60);
    await settled();
    const error = await Promise.resolve(limiter.admit(user("ada"))).catch(
      (failure: unknown) => failure as GatewayError,
    );
    expect(error.headers).toMatchObject({
      "x-ratelimit-remaining-requests": "1",
      "x-ratelimit-remaining-tokens": "0",
    });
  });

  it("is nothing without a limit, and nothing is counted then", async () => {
    const { replica, calls } = createReplicas({ sessionCallsPerMinute: 5 });
    expect((await replica().admit(user("ada"))).headers).toEqual({});
    expect(calls).toEqual([]);
  });

  it("is audited once per user, kind and window, by whichever replica refuses first", async () => {
    const { replica, clock, told } = createReplicas({ requestsPerMinute: 1, sessionCallsPerMinute: 1 });
    const limiters = [replica(), replica(), replica()];
    const round = async (): Promise<void> => {
      await burst(limiters, 30);
      for (const limiter of limiters) await limiter.call(user("ada")).catch(() => undefined);
      await settled();
    };
    await round();
    await round();
    expect(told).toEqual([
      ["ada", "requestsPerMinute"],
      ["ada", "sessionCallsPerMinute"],
    ]);
    clock.advance(MINUTE);
    await round();
    expect(told).toHaveLength(4);
  });
});

describe("without the store", () => {
  const failing = (quotas: QuotaStore, isDown: () => boolean): QuotaStore => {
    const orDown = async <T>(ask: () => Promise<T>): Promise<T> => {
      if (isDown()) throw new GatewayError("store_unavailable", "down");
      return ask();
    };
    return {
      take: (...asked) => orDown(() => quotas.take(...asked)),
      hold: (...asked) => orDown(() => quotas.hold(...asked)),
      forget: (...asked) => orDown(() => quotas.forget(...asked)),
    };
  };

  it("each replica goes by what it counts itself, and says so once; what it counted is reported afterwards", async () => {
    let isDown = true;
    let unshared = 0;
    const backend = createMemoryBackend({ clock: () => MIDNIGHT });
    const quotas = failing(backend.quotas, () => isDown);
    const onUnshared = (): void => void (unshared += 1);
    const { replica, lines } = createReplicas(
      { requestsPerMinute: 10, concurrentRequests: 100 },
      { quotas, onUnshared },
    );
    const [one, other] = [replica(), replica()];
    expect(await burst([one], 30)).toBe(10);
    expect(await burst([other], 4)).toBe(4);
    expect(lines).toEqual(["limits_kept_by_each_replica", "limits_kept_by_each_replica"]);
    expect(unshared).toBeGreaterThan(0);
    isDown = false;
    expect(await burst([other], 30)).toBe(6);
    expect(lines.slice(2)).toEqual(["limits_shared_again"]);
    expect(await burst([replica()], 5)).toBe(0);
  });
});

describe("an erased user", () => {
  it("leaves nothing, and nothing of what still runs is counted any more", async () => {
    const { replica, calls } = createReplicas({ requestsPerMinute: 1, tokensPerMinute: 1, concurrentRequests: 5 });
    const limiter = replica();
    const running = await limiter.admit(user("ada"));
    await expect(limiter.admit(user("ada"))).rejects.toThrow("requestsPerMinute");
    await settled();
    const named = new Set(calls.map((call) => call.split(" ")[1]));
    calls.length = 0;
    await limiter.forget("ada");
    expect(calls).toEqual(expect.arrayContaining([...named].map((name) => `forget ${name}`)));
    calls.length = 0;
    running.done(500);
    await settled();
    expect(calls).toEqual([]);
    await limiter.admit(user("ada"));
  });
});
