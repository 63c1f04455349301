import { createKeyedQueue } from "../../kit/keyed-queue.ts";
import type { PlacesWanted, QuotaGrant, QuotaStore, QuotaWindow } from "../quota-store.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { padded, partition, sortKey } from "./dynamo-keys.ts";
import type { StoreParts } from "./dynamo-session-store.ts";
import type { DynamoTable, ItemKey } from "./dynamo-table.ts";
import { deleteAt, keyOf, numberIn } from "./item-values.ts";

/** Another replica may still count in a window that has ended by this one's clock. */
const GRACE_MS = 60_000;
/** Replicas that ask for one name at the same moment; each round one of them at least gets on. */
const TRIES = 50;

const windowKey = (name: string, startsAt: number): ItemKey => ({
  pk: partition("quota", name),
  sk: sortKey(`window#${padded(startsAt)}`),
});
const placesKey = (name: string): ItemKey => ({ pk: partition("quota", name), sk: sortKey("places") });

export function createDynamoQuotaStore({ table, operations: { run }, clock }: StoreParts): QuotaStore {
  const queue = createKeyedQueue();
  return {
    take: (name, window, want) => run(() => take(table, windowKey(name, window.startsAt), { window, want })),
    hold: (name, holder, places) =>
      run(() => queue.run(name, () => hold(table, placesKey(name), { holder, places, now: clock() }))),
    forget: (name) =>
      run(async () => {
        const { pk, sk: from } = placesKey(name);
        for await (const items of table.pages({ pk, from, to: Buffer.of(0xff), order: "asc", only: ["pk", "sk"] })) {
          await table.removeMany(items.map(keyOf));
        }
      }),
  };
}

/** Adds all that is wanted if it fits, which is one request; else looks what is left and asks for that. */
async function take(
  table: DynamoTable,
  key: ItemKey,
  { window, want }: { window: QuotaWindow; want: number },
): Promise<QuotaGrant> {
  let granted = want;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (granted > 0 && granted <= window.limit) {
      const { written, old } = await add(table, key, { window, granted });
      if (written) return { granted, used: (old ? numberIn(old, "used") : 0) + granted };
    }
    const item = await table.get(key);
    const used = item ? numberIn(item, "used") : 0;
    granted = Math.max(0, Math.min(want, window.limit - used));
    if (granted === 0) return { granted, used };
  }
  throw storeUnavailable("too many replicas take from one window");
}

function add(table: DynamoTable, key: ItemKey, { window, granted }: { window: QuotaWindow; granted: number }) {
  const { limit, endsAt } = window;
  const end = deleteAt(endsAt + GRACE_MS)["deleteAt"] ?? { NULL: true };
  return table.update(
    key,
    {
      expression: "SET deleteAt = :end ADD used :granted",
      values: { ":end": end, ":granted": { N: String(granted) } },
    },
    { expression: "attribute_not_exists(used) OR used <= :most", values: { ":most": { N: String(limit - granted) } } },
  );
}

interface Holding {
  readonly holder: string;
  readonly count: number;
  readonly endsAt: number;
}

/** All places of a name are one item that counts its changes, because what a holder gets hangs on all others. */
async function hold(
  table: DynamoTable,
  key: ItemKey,
  { holder, places, now }: { holder: string; places: PlacesWanted; now: number },
): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const item = await table.get(key);
    const changes = item ? numberIn(item, "changes") : 0;
    const others = parseHoldings(item?.["holdings"]?.S).filter((one) => one.holder !== holder && one.endsAt > now);
    const taken = others.reduce((sum, { count }) => sum + count, 0);
    const count = Math.max(0, Math.min(places.count, places.limit - taken));
    const holdings = count > 0 ? [...others, { holder, count, endsAt: now + places.ttlMs }] : others;
    const next = {
      pk: { S: key.pk },
      sk: { B: key.sk },
      changes: { N: String(changes + 1) },
      holdings: { S: JSON.stringify(holdings) },
      ...deleteAt(Math.max(now, ...holdings.map(({ endsAt }) => endsAt)) + GRACE_MS),
    };
    const isUnchanged = item
      ? { expression: "changes = :changes", values: { ":changes": { N: String(changes) } } }
      : { expression: "attribute_not_exists(pk)" };
    if ((await table.put(next, isUnchanged)).written) return count;
  }
  throw storeUnavailable("too many replicas hold places of one name");
}

const parseHoldings = (text: string | undefined): Holding[] =>
  text === undefined ? [] : (JSON.parse(text) as Holding[]);
