import type { Principal } from "../../../src/identity/principal.ts";
import { createLimiter, type LimiterOptions } from "../../../src/limits/create-limiter.ts";
import type { Limiter } from "../../../src/limits/limiter.ts";
import type { LimitKind, Limits } from "../../../src/limits/limits.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import type { QuotaStore } from "../../../src/store/quota-store.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";

export const MINUTE = 60_000;
/** The beginning of a UTC day, and so of a minute. */
export const MIDNIGHT = Date.UTC(2030, 0, 1);

export const user = (owner: string, limits?: Limits): Principal => ({ owner, credential: undefined, limits });

/** Replicas over one store, on one clock. */
export function createReplicas(limits: Limits, options: Partial<LimiterOptions> = {}) {
  const clock = createHandClock(MIDNIGHT);
  const backend = createMemoryBackend({ clock: options.clock ?? clock.now });
  const calls: string[] = [];
  const lines: string[] = [];
  const told: [string, LimitKind][] = [];
  const counted = countCalls(options.quotas ?? backend.quotas, calls);
  const note = (_: object, message: string): void => void lines.push(message);
  const replica = (): Limiter =>
    createLimiter({
      limits,
      sessions: { count: async () => 0 },
      clock: clock.now,
      log: { info: note, warn: note, error: note },
      onUnshared: () => undefined,
      onExceeded: (owner, kind) => void told.push([owner, kind]),
      ...options,
      quotas: counted,
    });
  return { clock, quotas: backend.quotas, calls, lines, told, replica };
}

function countCalls(quotas: QuotaStore, calls: string[]): QuotaStore {
  const noted = <T>(name: string, answer: Promise<T>): Promise<T> => {
    calls.push(name);
    return answer;
  };
  return {
    take: (name, window, want) => noted(`take ${name}`, quotas.take(name, window, want)),
    hold: (name, holder, places) => noted(`hold ${name}`, quotas.hold(name, holder, places)),
    forget: (name) => noted(`forget ${name}`, quotas.forget(name)),
  };
}

/** Everything that was only waiting for a promise has run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How many of `count` requests at once are admitted, each by the next of the limiters; none of them ends. */
export async function burst(limiters: readonly Limiter[], count: number, who = user("ada")): Promise<number> {
  const attempts = Array.from({ length: count }, async (_, index) => limiters[index % limiters.length]?.admit(who));
  const results = await Promise.allSettled(attempts);
  return results.filter(({ status }) => status === "fulfilled").length;
}
