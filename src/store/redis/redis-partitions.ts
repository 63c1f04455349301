import type { StoreBackend, StoreSubject } from "../store-backend.ts";
import type { RedisConnection } from "./redis-connection.ts";
import type { RedisNames } from "./redis-names.ts";

/** A cluster's partitions are its primaries; one server is one. */
export function createRedisPartitions(
  { primaryOf }: Pick<RedisConnection, "primaryOf">,
  names: RedisNames,
): StoreBackend["partitionOf"] {
  if (!primaryOf) return undefined;
  const keys: Readonly<Record<Exclude<StoreSubject["kind"], "anywhere">, (name: string) => string>> = {
    session: names.session,
    owner: names.owner,
    record: names.record,
    lease: names.lease,
    quota: names.quota,
    notices: () => names.notices,
    audit: () => names.auditTimes,
  };
  return ({ kind, name }) => (kind === "anywhere" ? undefined : primaryOf(keys[kind](name)));
}
