import type { Clock } from "../../kit/clock.ts";
import type { QuotaStore } from "../quota-store.ts";
import { holdQuota, takeQuota } from "./quota-scripts.ts";
import { type RedisConnection, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";

export function createRedisQuotaStore(
  { client, callScript }: RedisConnection,
  names: RedisNames,
  clock: Clock,
): QuotaStore {
  return {
    async take(name, { startsAt, endsAt, limit }, want) {
      const values = [clock(), startsAt, endsAt, limit, want];
      const answer = await translated(callScript(takeQuota, [names.quota(name)], values));
      const [granted, used] = answer as [number, number];
      return { granted, used };
    },
    async hold(name, holder, { count, limit, ttlMs }) {
      const now = clock();
      const values = [now, holder, count, limit, now + ttlMs];
      return Number(await translated(callScript(holdQuota, [names.quota(name)], values)));
    },
    async forget(name) {
      await translated(client.del(names.quota(name)));
    },
  };
}
