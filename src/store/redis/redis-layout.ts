import type { Redis } from "ioredis";

import { storeUnavailable } from "../store-unavailable.ts";
import type { RedisConnection } from "./redis-connection.ts";

const SLOTS = 16_384;

/** Who has which keys at a moment. A walk over all keys is whole if it is the same when the walk ends. */
export interface RedisLayout {
  /** Every primary, in an order of their own. */
  readonly primaries: readonly Redis[];
  /** Equal for equal layouts. */
  readonly fingerprint: string;
}

interface Place {
  readonly id: string;
  readonly line: string;
  readonly slots: number;
  readonly primary: Redis;
}

/** Rejects with `store_unavailable` when slots of a cluster have no node, or are on their way from one to another. */
export async function readLayout(connection: RedisConnection): Promise<RedisLayout> {
  if (!connection.isCluster) return { primaries: connection.primaries(), fingerprint: "" };
  const places = await Promise.all(connection.primaries().map(readPlace));
  if (places.some(({ line }) => line.includes("[")))
    throw storeUnavailable("a slot of the Redis cluster is being moved");
  if (places.reduce((sum, { slots }) => sum + slots, 0) !== SLOTS) {
    throw storeUnavailable("slots of the Redis cluster have no node that answers");
  }
  const ordered = places.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { primaries: ordered.map(({ primary }) => primary), fingerprint: ordered.map(({ line }) => line).join(";") };
}

export function assertSameLayout(before: string, { fingerprint }: RedisLayout): void {
  if (before !== fingerprint)
    throw storeUnavailable("slots of the Redis cluster were moved during a walk: begin again");
}

/** Of `CLUSTER NODES` a node's own line: id, epoch, which grows with every move, and slots; `[` marks one on its way. */
async function readPlace(primary: Redis): Promise<Place> {
  const nodes = String(await primary.cluster("NODES"));
  const own = nodes.split("\n").find((line) => line.includes("myself")) ?? "";
  const [id = "", , , , , , epoch = "", , ...slots] = own.trim().split(" ");
  return {
    id,
    line: [id, epoch, ...slots].join(","),
    slots: slots.reduce((sum, range) => sum + sizeOf(range), 0),
    primary,
  };
}

/** `5` or `0-5460`. */
function sizeOf(range: string): number {
  const [first = 0, last = first] = range.split("-").map(Number);
  return last - first + 1;
}
