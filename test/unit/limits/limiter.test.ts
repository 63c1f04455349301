import { describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { formatDuration } from "../../../src/limits/rate-headers.ts";
import { createReplicas, MINUTE, user } from "./limiter-fixtures.ts";

describe("calls of the gateway's own routes", () => {
  it("are counted apart from chat requests", async () => {
    const { replica, clock } = createReplicas({ sessionCallsPerMinute: 2, requestsPerMinute: 1 });
    const limiter = replica();
    await limiter.call(user("ada"));
    await limiter.call(user("ada"));
    clock.advance(1_000);
    await expect(limiter.call(user("ada"))).rejects.toMatchObject({
      code: "rate_limit_exceeded",
      retryAfterMs: MINUTE - 1_000,
    });
    await limiter.admit(user("ada"));
  });
});

describe("sessions", () => {
  const counting = (live: number) => {
    const asked: [string, number][] = [];
    const count = async (owner: string, atMost: number): Promise<number> => {
      asked.push([owner, atMost]);
      return Math.min(live, atMost);
    };
    return { asked, sessions: { count } };
  };

  it("may be as many as the limit says; one more is refused, and audited", async () => {
    const { sessions, asked } = counting(3);
    const { replica, told } = createReplicas({ sessions: 3 }, { sessions });
    const limiter = replica();
    await expect(limiter.mayCreateSession(user("ada"))).rejects.toMatchObject({ code: "session_limit_reached" });
    await limiter.mayCreateSession(user("ada", { sessions: 4 }));
    expect(asked).toEqual([
      ["ada", 3],
      ["ada", 4],
    ]);
    await Promise.resolve();
    expect(told).toEqual([["ada", "sessions"]]);
  });

  it("are not counted without a limit", async () => {
    const { sessions, asked } = counting(1_000);
    await createReplicas({}, { sessions }).replica().mayCreateSession(user("ada"));
    expect(asked).toEqual([]);
  });

  it("are let through when they cannot be counted: what cannot be read cannot be made either", async () => {
    const sessions = { count: () => Promise.reject(new GatewayError("store_unavailable", "down")) };
    await createReplicas({ sessions: 1 }, { sessions }).replica().mayCreateSession(user("ada"));
  });
});

it.each([
  [0, "0ms"],
  [17, "17ms"],
  [999.4, "999ms"],
  [1_000, "1s"],
  [7_660, "7.66s"],
  [60_000, "1m0s"],
  [360_000, "6m0s"],
  [86_399_999, "23h59m59.999s"],
  [-5, "0ms"],
])("%i ms is written %s", (ms, text) => expect(formatDuration(ms)).toBe(text));
