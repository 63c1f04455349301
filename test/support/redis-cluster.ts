import { Redis } from "ioredis";
import { expect, vi } from "vitest";

import { findFreePort, type RedisServer, startRedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const NODES = 3;

/** Three real primaries on loopback, each with a third of the slots, without replicas. */
export interface RedisCluster {
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  slotOf(key: string): Promise<number>;
  ownerOf(slot: number): Promise<ClusterNode>;
  /** Marks the slot as on its way; its keys stay where they are. */
  openSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  /** The whole of it: marks the slot, moves every key, and gives the slot away. */
  moveSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterNode {
  readonly server: RedisServer;
  /** A plain connection to this node alone. */
  readonly raw: Redis;
}

export interface RedisClusterOptions {
  readonly appendOnly?: boolean;
  /** Further arguments of every `redis-server`. */
  readonly settings?: readonly string[];
}

export async function startRedisCluster({
  appendOnly = false,
  settings = [],
}: RedisClusterOptions = {}): Promise<RedisCluster> {
  const start = async (): Promise<ClusterNode & { readonly busPort: number }> => {
    const busPort = await findFreePort();
    const own = ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "2000"];
    // Without replicas: a node that is gone takes its own slots along and no others.
    const parts = ["--cluster-require-full-coverage", "no", ...settings];
    const server = await startRedisServer({ appendOnly, settings: [...own, ...parts] });
    const raw = new Redis(server.url, { retryStrategy: () => 50 });
    raw.on("error", () => undefined);
    return { server, raw, busPort };
  };
  const nodes = await Promise.all(Array.from({ length: NODES }, start));
  await join(nodes);

  const idOf = async ({ raw }: ClusterNode): Promise<string> => String(await raw.cluster("MYID"));
  const openSlot = async (slot: number, from: ClusterNode, to: ClusterNode): Promise<void> => {
    await to.raw.cluster("SETSLOT", slot, "IMPORTING", await idOf(from));
    await from.raw.cluster("SETSLOT", slot, "MIGRATING", await idOf(to));
  };
  return {
    url: `redis+cluster://${nodes.map(({ server }) => `127.0.0.1:${server.port}`).join(",")}`,
    nodes,
    slotOf: async (key) => Number(await nodes[0]?.raw.cluster("KEYSLOT", key)),
    async ownerOf(slot) {
      for (const node of nodes) {
        const ranges = await node.raw.cluster("SLOTS");
        const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2]?.[1];
        if (port === node.server.port) return node;
      }
      throw new Error(`nobody has slot ${slot}`);
    },
    openSlot,
    async moveSlot(slot, from, to) {
      await openSlot(slot, from, to);
      for (;;) {
        const keys = (await from.raw.cluster("GETKEYSINSLOT", slot, 10)) as string[];
        if (keys.length === 0) break;
        await from.raw.call("MIGRATE", "127.0.0.1", String(to.server.port), "", "0", "5000", "KEYS", ...keys);
      }
      const id = await idOf(to);
      for (const { raw } of [to, from, ...nodes]) await raw.cluster("SETSLOT", slot, "NODE", id);
    },
    async stop() {
      for (const { raw } of nodes) raw.disconnect();
      await Promise.all(nodes.map(({ server }) => server.stop()));
    },
  };
}

/** Gives every node its slots, makes them acquainted and waits until all of them know everything. */
async function join(nodes: readonly (ClusterNode & { readonly busPort: number })[]): Promise<void> {
  const [first] = nodes;
  for (const [index, { raw }] of nodes.entries()) {
    const [from, to] = [index, index + 1].map((part) => Math.floor((SLOTS * part) / nodes.length));
    await raw.cluster("ADDSLOTSRANGE", from ?? 0, (to ?? 0) - 1);
    await raw.cluster("SET-CONFIG-EPOCH", index + 1);
  }
  for (const { server, busPort } of nodes.slice(1)) {
    await first?.raw.call("CLUSTER", "MEET", "127.0.0.1", String(server.port), String(busPort));
  }
  const knowsAll = async ({ raw }: ClusterNode): Promise<void> => {
    expect(String(await raw.cluster("INFO"))).toMatch(/cluster_state:ok[^]*cluster_slots_ok:16384/);
    expect(String(await raw.cluster("NODES")).match(/ connected/g)).toHaveLength(nodes.length);
  };
  for (const node of nodes) await vi.waitFor(() => knowsAll(node), { timeout: 20_000, interval: 50 });
}
