import type { Clock } from "../../kit/clock.ts";
import type { QuotaStore } from "../quota-store.ts";
import type { WriteQueue } from "./write-queue.ts";

export function createSqliteQuotaStore(queue: WriteQueue, clock: Clock): QuotaStore {
  return {
    take: (name, { startsAt, endsAt, limit }, want) =>
      queue.run({ kind: "take-quota", name, startsAt, endsAt, limit, want }),
    hold(name, holder, { count, limit, ttlMs }) {
      const now = clock();
      return queue.run({ kind: "hold-places", now, name, holder, count, limit, until: now + ttlMs });
    },
    async forget(name) {
      await queue.run({ kind: "forget-quota", name });
    },
  };
}
