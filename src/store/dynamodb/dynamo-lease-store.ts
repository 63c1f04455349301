import type { LeaseStore } from "../lease-store.ts";
import { partition, sortKey } from "./dynamo-keys.ts";
import type { StoreParts } from "./dynamo-session-store.ts";
import type { ItemKey } from "./dynamo-table.ts";
import { deleteAt } from "./item-values.ts";

const keyOfLease = (name: string): ItemKey => ({ pk: partition("lease", name), sk: sortKey("lease") });

/** By the clocks of the callers: DynamoDB lends nobody its own. */
export function createDynamoLeaseStore({ table, operations: { run }, clock }: StoreParts): LeaseStore {
  return {
    acquire: (name, holder, ttlMs) =>
      run(async () => {
        const { pk, sk } = keyOfLease(name);
        const now = clock();
        const endsAt = now + ttlMs;
        const lease = { heldBy: { S: holder }, endsAt: { N: String(endsAt) }, ...deleteAt(endsAt) };
        const { written } = await table.put(
          { pk: { S: pk }, sk: { B: sk }, ...lease },
          { expression: "attribute_not_exists(pk) OR endsAt <= :now", values: { ":now": { N: String(now) } } },
        );
        return written;
      }),
    release: (name, holder) =>
      run(async () => {
        await table.remove(keyOfLease(name), { expression: "heldBy = :holder", values: { ":holder": { S: holder } } });
      }),
  };
}
