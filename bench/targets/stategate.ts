import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startDynamo } from "./dynamo-server.ts";
import { startPostgres } from "./postgres-server.ts";
import { startRedis } from "./redis-server.ts";
import { startGateway } from "./start-gateway.ts";
import type { Rig, TargetKind, TargetName } from "./target.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const PRICES = fileURLToPath(new URL("../../config/prices.json", import.meta.url));

interface StategateOptions {
  readonly name: TargetName;
  /** The store's address. */
  readonly store: (rig: Rig, folder: string) => string | Promise<string>;
  /** Without one its sessions use the default. `undefined` headers send no session at all. */
  readonly strategy?: "window";
  readonly hasMemory?: boolean;
  readonly workers?: number;
}

const sqlite = (_: Rig, folder: string): string => `sqlite:${join(folder, "data/stategate.db")}`;

/** Without a session header: a proxy and nothing more. */
export const stateless = stategate({ name: "stateless", store: sqlite, hasMemory: false });

/** Window by default in this bench: summaries would add calls to the upstream that the other targets do not make. */
export const onMemory = stategate({ name: "memory", store: () => "memory:", strategy: "window" });
export const onSqlite = stategate({ name: "SQLite", store: sqlite, strategy: "window" });
export const onRedis = stategate({ name: "Redis", store: startRedis, strategy: "window" });
export const onPostgres = stategate({ name: "PostgreSQL", store: startPostgres, strategy: "window" });
export const onDynamo = stategate({ name: "DynamoDB", store: startDynamo, strategy: "window" });
export const hybridOnSqlite = stategate({ name: "SQLite hybrid", store: sqlite });

export const onSqliteWith = (workers: number): TargetKind =>
  stategate({ name: "SQLite", store: sqlite, strategy: "window", workers });
export const onRedisWith = (workers: number): TargetKind =>
  stategate({ name: "Redis", store: startRedis, strategy: "window", workers });

function stategate({ name, store, strategy, hasMemory = true, workers = 1 }: StategateOptions): TargetKind {
  return {
    name,
    async open(rig) {
      const cwd = mkdtempSync(join(rig.folder, "stategate-"));
      const address = await store(rig, cwd);
      const masterKeys = `bench:${randomBytes(32).toString("base64")}`;
      return startGateway(rig, {
        name,
        command: () => [process.execPath, MAIN, "start"],
        env: (port) => ({
          STATEGATE_PORT: String(port),
          STATEGATE_UPSTREAM_URL: `http://127.0.0.1:${rig.upstreamPort}/v1`,
          STATEGATE_STORE: address,
          STATEGATE_MASTER_KEYS: masterKeys,
          STATEGATE_WORKERS: String(workers),
          STATEGATE_PRICES__FILE: PRICES,
          // As `npm start` and the image have it.
          NODE_COMPILE_CACHE: join(rig.folder, "compile-cache"),
        }),
        cwd,
        store: address,
        healthPath: "/healthz",
        headers: strategy ? { "x-history-strategy": strategy } : {},
        hasMemory,
      });
    },
  };
}
