import type { Clock } from "../../src/kit/clock.ts";

/** A clock that stands still until it is wound. It starts now, because a server's own clock may take part. */
export interface HandClock {
  readonly now: Clock;
  advance(ms: number): void;
}

export function createHandClock(startsAt = Date.now()): HandClock {
  let time = startsAt;
  return {
    now: () => time,
    advance(ms) {
      time += ms;
    },
  };
}
