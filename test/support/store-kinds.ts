import { join } from "node:path";

import { describe } from "vitest";

import { startDynamoServer } from "./dynamo-server.ts";
import { describeWithPostgres, startPostgresServer } from "./postgres-server.ts";
import { describeWithRedis, startRedisServer } from "./redis-server.ts";
import { masterKeys } from "./test-master-keys.ts";

/** A store that tests begin, and end suddenly. */
export interface StartedStore {
  /** Variables of a gateway over it. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent where the store lives in the gateway's own process. */
  readonly server?: StoreServer;
  stop(): Promise<void>;
}

export interface StoreServer {
  /** SIGKILL. */
  kill(): Promise<void>;
  /** After `kill`, with what it had stored. */
  restart(): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
  /** `describe`, where there is such a store. */
  readonly describe: (name: string, define: () => void) => void;
  /** What is acknowledged survives the sudden end of everything. */
  readonly isDurable: boolean;
  /** Several gateways may use it at once. */
  readonly isShared: boolean;
  /** It runs in a process of its own. */
  readonly hasServer: boolean;
  start(folder: string): Promise<StartedStore>;
}

/** Every store that a gateway can rest on. What holds for one of them is tested for all. */
export const storeKinds: readonly StoreKind[] = [
  {
    name: "memory",
    describe,
    isDurable: false,
    isShared: false,
    hasServer: false,
    start: async () => ({ env: { STATEGATE_STORE: "memory:" }, stop: async () => undefined }),
  },
  {
    name: "SQLite",
    describe,
    isDurable: true,
    isShared: true,
    hasServer: false,
    start: async (folder) => ({
      env: { STATEGATE_STORE: `sqlite:${join(folder, "stategate.db")}`, STATEGATE_STORE__TIMEOUT_MS: "20000" },
      stop: async () => undefined,
    }),
  },
  {
    name: "Redis",
    describe: describeWithRedis,
    isDurable: true,
    isShared: true,
    hasServer: true,
    async start() {
      const server = await startRedisServer({ appendOnly: true });
      return { env: { ...masterKeys, STATEGATE_STORE: server.url }, server, stop: () => server.stop() };
    },
  },
  {
    name: "PostgreSQL",
    describe: describeWithPostgres,
    isDurable: true,
    isShared: true,
    hasServer: true,
    async start() {
      const server = await startPostgresServer();
      const address = await server.createDatabase();
      return { env: { ...masterKeys, STATEGATE_STORE: address }, server, stop: () => server.stop() };
    },
  },
  {
    name: "DynamoDB",
    describe,
    isDurable: true,
    isShared: true,
    // It is a service, not a server of ours: only its gateways end suddenly.
    hasServer: false,
    async start() {
      const server = await startDynamoServer();
      const address = await server.createTable();
      const env = { ...masterKeys, STATEGATE_STORE: address, STATEGATE_STORE__TIMEOUT_MS: "20000" };
      return { env, stop: () => server.stop() };
    },
  },
];
