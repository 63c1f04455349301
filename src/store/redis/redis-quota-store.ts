import type { Clock } from "../../kit/clock.ts";
import type { QuotaStore } from "../quota-store.ts";
import { holdQuota, takeQuota } from "./quota-scripts.ts";
import { type RedisClient, translated } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";
import { callScript } from "./redis-script.ts";

export function createRedisQuotaStore(client: RedisClient, names: RedisNames, clock: Clock): QuotaStore {
  return {
    async take(name, { startsAt, endsAt, limit }, want) {
      const values = [clock(), startsAt, endsAt, limit, want];
      const answer = await translated(callScript(client, takeQuota, { keys: [names.quota(name)], values }));
      const [granted, used] = answer as [number, number];
      return { granted, used };
    },
    async hold(name, holder, { count, limit, ttlMs }) {
      const now = clock();
      const values = [now, holder, count, limit, now + ttlMs];
      return Number(await translated(callScript(client, holdQuota, { keys: [names.quota(name)], values })));
    },
    async forget(name) {
      await translated(client.del(names.quota(name)));
    },
  };
}
