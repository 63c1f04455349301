import type { Clock } from "../../kit/clock.ts";
import type { QuotaStore } from "../quota-store.ts";

/** Another replica may still count in a window that has ended by this one's clock. */
const WINDOW_GRACE_MS = 60_000;

interface Holding {
  readonly count: number;
  readonly until: number;
}

/** @param refuseWhenClosed throws `store_unavailable` once the backend is closed */
export function createMemoryQuotaStore(clock: Clock, refuseWhenClosed: () => void): QuotaStore {
  const windows = new Map<string, Map<number, { used: number; readonly endsAt: number }>>();
  const places = new Map<string, Map<string, Holding>>();

  return {
    async take(name, { startsAt, endsAt, limit }, want) {
      refuseWhenClosed();
      const ofName = windows.get(name) ?? new Map<number, { used: number; readonly endsAt: number }>();
      windows.set(name, ofName);
      for (const [start, window] of ofName) if (window.endsAt + WINDOW_GRACE_MS <= clock()) ofName.delete(start);
      const window = ofName.get(startsAt) ?? { used: 0, endsAt };
      const granted = Math.max(0, Math.min(want, limit - window.used));
      window.used += granted;
      ofName.set(startsAt, window);
      return { granted, used: window.used };
    },
    async hold(name, holder, { count, limit, ttlMs }) {
      refuseWhenClosed();
      const holdings = places.get(name) ?? new Map<string, Holding>();
      places.set(name, holdings);
      holdings.delete(holder);
      for (const [other, { until }] of holdings) if (until <= clock()) holdings.delete(other);
      const taken = [...holdings.values()].reduce((sum, holding) => sum + holding.count, 0);
      const held = Math.max(0, Math.min(count, limit - taken));
      if (held > 0) holdings.set(holder, { count: held, until: clock() + ttlMs });
      if (holdings.size === 0) places.delete(name);
      return held;
    },
    async forget(name) {
      refuseWhenClosed();
      windows.delete(name);
      places.delete(name);
    },
  };
}
