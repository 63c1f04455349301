import { Redis } from "ioredis";
import { expect, vi } from "vitest";

import { findFreePort } from "../../bench/rig/free-port.ts";
import { type Certificates, tlsSettings } from "./certificates.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const NODES = 3;

/** Three real primaries on loopback, each with a third of the slots, without replicas. */
export interface RedisCluster {
  readonly url: string;
  /** The nodes' addresses for TLS, joined by commas; empty without. */
  readonly tlsHosts: string;
  readonly nodes: readonly ClusterNode[];
  slotOf(key: string): Promise<number>;
  ownerOf(slot: number): Promise<ClusterNode>;
  /** Marks the slot as on its way; its keys stay where they are. */
  openSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  /** The whole of it: marks the slot, moves every key, gives the slot away, and waits until all nodes agree. */
  moveSlot(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  /** A fourth node, which follows `primary` and takes its place when it is gone. */
  addReplica(primary: ClusterNode): Promise<ClusterNode>;
  /** Waits until every node serves, and all agree who has which slots. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterNode {
  readonly server: RedisServer;
  /** A plain connection to this node alone. */
  readonly raw: Redis;
  readonly tlsPort?: number;
}

/** Ways in which a node is away for a while. */
export const nodeOutages = [
  {
    what: "dies",
    leave: ({ server }: ClusterNode) => server.kill(),
    comeBack: ({ server }: ClusterNode) => server.restart(),
  },
  {
    what: "freezes",
    leave: async ({ server }: ClusterNode) => server.freeze(),
    comeBack: async ({ server }: ClusterNode) => server.thaw(),
  },
] as const;

export interface RedisClusterOptions {
  readonly appendOnly?: boolean;
  /** Serve TLS as well, with this certificate. */
  readonly certificates?: Certificates;
}

export async function startRedisCluster({
  appendOnly = false,
  certificates,
}: RedisClusterOptions = {}): Promise<RedisCluster> {
  const start = async (): Promise<JoiningNode> => {
    const busPort = await findFreePort();
    const own = ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "2000"];
    // Without replicas: a node that is gone takes its own slots along and no others.
    const parts = ["--cluster-require-full-coverage", "no"];
    const tlsPort = certificates && (await findFreePort());
    const tls =
      !certificates || tlsPort === undefined ? [] : [...tlsSettings(certificates, tlsPort), "--tls-cluster", "yes"];
    const server = await startRedisServer({ appendOnly, settings: [...own, ...parts, ...tls] });
    const raw = new Redis(server.url, { retryStrategy: () => 50 });
    raw.on("error", () => undefined);
    return { server, raw, busPort, ...(tlsPort !== undefined && { tlsPort }) };
  };
  // A port that was free a moment ago may be somebody's by now.
  const nodes = await Promise.all(Array.from({ length: NODES }, () => start().catch(start)));
  const replicas: ClusterNode[] = [];
  await join(nodes);

  const idOf = async ({ raw }: ClusterNode): Promise<string> => String(await raw.cluster("MYID"));
  const openSlot = async (slot: number, from: ClusterNode, to: ClusterNode): Promise<void> => {
    await to.raw.cluster("SETSLOT", slot, "IMPORTING", await idOf(from));
    await from.raw.cluster("SETSLOT", slot, "MIGRATING", await idOf(to));
  };
  return {
    url: `redis+cluster://${nodes.map(({ server }) => `127.0.0.1:${server.port}`).join(",")}`,
    tlsHosts: nodes.flatMap(({ tlsPort }) => (tlsPort === undefined ? [] : [`localhost:${tlsPort}`])).join(","),
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
        const keys = await from.raw.cluster("GETKEYSINSLOT", slot, 10);
        if (keys.length === 0) break;
        await from.raw.call("MIGRATE", "127.0.0.1", String(to.server.port), "", "0", "5000", "KEYS", ...keys);
      }
      const id = await idOf(to);
      for (const { raw } of [to, from, ...nodes]) await raw.cluster("SETSLOT", slot, "NODE", id);
      await settle(nodes);
    },
    async addReplica(primary) {
      const replica = await start();
      replicas.push(replica);
      await meet(replica, primary);
      const id = await idOf(primary);
      await vi.waitFor(() => replica.raw.cluster("REPLICATE", id), { timeout: 20_000, interval: 50 });
      const followsIt = async (): Promise<void> =>
        expect(await replica.raw.info("replication")).toContain("master_link_status:up");
      await vi.waitFor(followsIt, { timeout: 20_000, interval: 50 });
      // Every other node must know it before they may vote for it.
      await Promise.all(nodes.map((node) => vi.waitFor(() => knows(node, nodes.length + 1), { timeout: 20_000 })));
      return replica;
    },
    settle: () => settle(nodes),
    async stop() {
      const all = [...nodes, ...replicas];
      for (const { raw } of all) raw.disconnect();
      await Promise.all(all.map(({ server }) => server.stop()));
    },
  };
}

interface JoiningNode extends ClusterNode {
  readonly busPort: number;
}

/** Gives every node its slots, makes them acquainted and waits until all of them know everything. */
async function join(nodes: readonly JoiningNode[]): Promise<void> {
  for (const [index, { raw }] of nodes.entries()) {
    const [from = 0, to = 0] = [index, index + 1].map((part) => Math.floor((SLOTS * part) / nodes.length));
    await raw.cluster("ADDSLOTSRANGE", from, to - 1);
    await raw.cluster("SET-CONFIG-EPOCH", index + 1);
  }
  for (const node of nodes.slice(1)) await meet(node, nodes[0]);
  await settle(nodes);
}

async function meet({ server, busPort }: JoiningNode, known: ClusterNode | undefined): Promise<void> {
  await known?.raw.call("CLUSTER", "MEET", "127.0.0.1", String(server.port), String(busPort));
}

async function knows({ raw }: ClusterNode, nodes: number): Promise<void> {
  expect(String(await raw.cluster("NODES")).match(/ connected/g)).toHaveLength(nodes);
}

/** A slot that moves on before they do may be claimed back by its owner of before. */
async function settle(nodes: readonly ClusterNode[]): Promise<void> {
  const agree = async (): Promise<void> => {
    const states = await Promise.all(nodes.map(({ raw }) => raw.cluster("INFO").then(String)));
    for (const state of states) expect(state).toMatch(/cluster_state:ok[^]*cluster_slots_ok:16384/);
    const views = await Promise.all(nodes.map(({ raw }) => raw.cluster("NODES").then(viewOf)));
    expect(new Set(views).size).toBe(1);
    await Promise.all(nodes.map((node) => knows(node, nodes.length)));
  };
  await vi.waitFor(agree, { timeout: 20_000, interval: 50 });
}

/** Ids, epochs and slots, without what each node sees of its own. */
function viewOf(nodes: unknown): string {
  const lines = String(nodes).trim().split("\n");
  const parts = lines.map((line) => line.split(" ").filter((_, index) => index === 0 || index === 6 || index > 7));
  return parts
    .map((words) => words.join(" "))
    .toSorted()
    .join(";");
}
