import type { Clock } from "../../kit/clock.ts";
import type { QuotaStore } from "../quota-store.ts";
import { type RedisClient, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";

export function createRedisQuotaStore(client: RedisClient, names: RedisNames, clock: Clock): QuotaStore {
  return {
    async take(name, { startsAt, endsAt, limit }, want) {
      const answer = await translated(client.quotaTake(names.quota(name), clock(), startsAt, endsAt, limit, want));
      const [granted, used] = answer as [number, number];
      return { granted, used };
    },
    async hold(name, holder, { count, limit, ttlMs }) {
      const now = clock();
      return Number(await translated(client.quotaHold(names.quota(name), now, holder, count, limit, now + ttlMs)));
    },
    async forget(name) {
      await translated(client.del(names.quota(name)));
    },
  };
}
