import { blockOf } from "./block-of.ts";
import type { SharedQuotas } from "./shared-quotas.ts";

/** How many requests of one user run at once: what this replica holds of the places that all replicas share. */
export interface LeasedPlaces {
  /** Takes a place, if there is one. */
  enter(): Promise<boolean>;
  leave(): void;
  /** Keeps what is held from running out, or gives back what could not be given back before. */
  renew(): Promise<void>;
  /** Nothing runs, nothing is held. */
  readonly isIdle: boolean;
}

interface LeasedPlacesOptions {
  readonly name: string;
  readonly holder: string;
  readonly limit: number;
  /** How long the places of a replica that died stay taken. */
  readonly ttlMs: number;
  readonly quotas: SharedQuotas;
}

export function createLeasedPlaces({ name, holder, limit, ttlMs, quotas }: LeasedPlacesOptions): LeasedPlaces {
  const block = blockOf(limit);
  let running = 0;
  let waiting = 0;
  let held = 0;
  /** What is being asked for; below `held` while places are given back, which nobody may enter any more. */
  let asked: number | undefined;
  let asking: Promise<"answered" | "full" | "alone"> | undefined;

  const wanted = (): number => Math.min(limit, Math.ceil((running + waiting) / block) * block);
  const free = (): boolean => running < Math.min(held, asked ?? held);

  const set = async (): Promise<"answered" | "full" | "alone"> => {
    const count = wanted();
    asked = count;
    const granted = await quotas.hold(name, holder, { count, limit, ttlMs });
    asked = undefined;
    // Lost on the way, it may have been done all the same: the smaller number is the safe one.
    held = granted ?? Math.min(held, count);
    if (granted === undefined) return "alone";
    return granted < count || count === limit ? "full" : "answered";
  };
  const ask = () => (asking ??= set().finally(() => (asking = undefined)));

  const askWaiting = async () => {
    waiting += 1;
    try {
      return await ask();
    } finally {
      waiting -= 1;
    }
  };
  const giveBack = async (): Promise<void> => {
    while (wanted() < held) if ((await ask()) === "alone") return;
  };

  return {
    get isIdle() {
      return running === 0 && waiting === 0 && held === 0 && asking === undefined;
    },
    async enter() {
      for (;;) {
        if (free()) break;
        const answer = await askWaiting();
        if (free()) break;
        if (answer === "alone" && running < limit) break;
        if (answer !== "answered") return false;
      }
      running += 1;
      return true;
    },
    leave() {
      running -= 1;
      void giveBack();
    },
    async renew() {
      if (running > 0 || held > 0) await ask();
    },
  };
}
