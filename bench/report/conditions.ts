import { spawnSync } from "node:child_process";
import { arch, cpus, loadavg, release, type } from "node:os";
import { fileURLToPath } from "node:url";

import type { Cores } from "../rig/cores.ts";
import { FRONTIER_SHARE } from "../sections/frontier.ts";
import { LEAD_IN_MS } from "../sections/short-turns.ts";
import { haproxyVersion } from "../targets/haproxy.ts";
import { PORTKEY_VERSION } from "../targets/portkey.ts";
import { postgresVersion } from "../targets/postgres-server.ts";
import { redisVersion } from "../targets/redis-server.ts";

export interface MachineOptions {
  readonly cores: Cores;
  readonly folder: string;
  readonly startedAt: Date;
}

export interface ConditionsOptions extends MachineOptions {
  readonly rounds: number;
  readonly durationMs: number;
}

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Everything someone needs to know who compares the figures with his own. */
export function describeConditions({ rounds, durationMs, ...machine }: ConditionsOptions): string {
  return [
    describeMachine(machine),
    `Instant upstream; medians of ${rounds} interleaved rounds of ${durationMs / 1000} s (the frontier: ${(durationMs * FRONTIER_SHARE) / 1000} s for each number of clients), short turns behind ${LEAD_IN_MS / 1000} s that are not counted; sessions of 10 turns in delta mode. CPU time is the gateway process's, without Redis.`,
  ].join(" ");
}

/** Date, commit, machine and versions. */
export function describeMachine({ cores, folder, startedAt }: MachineOptions): string {
  const processors = cpus();
  const disk = printed("stat", ["-f", "-c", "%T", folder]);
  const versions = [
    `Node ${process.versions.node}`,
    `SQLite ${process.versions["sqlite"] ?? "?"} (WAL, FULL, on ${disk || "?"})`,
    `Redis ${redisVersion() ?? "none"} (no append-only file)`,
    `PostgreSQL ${postgresVersion() ?? "none"} (fsync on)`,
    "dynalite for DynamoDB",
    `haproxy ${haproxyVersion() ?? "none"} (one thread)`,
    `@portkey-ai/gateway ${PORTKEY_VERSION}`,
  ];
  return [
    `${startedAt.toISOString().slice(0, 10)}, commit ${commit()}.`,
    `${processors[0]?.model.trim() ?? "unknown CPU"}, ${processors.length} cores, ${type()} ${release()} ${arch()}; ${cores.description}.`,
    `${versions.join(", ")}.`,
  ].join(" ");
}

/** A machine that does something else as well measures that, too. */
export function busyMachineWarning(): string | undefined {
  const [lastMinute = 0] = loadavg();
  return lastMinute > 0.5 ? `the machine was busy before the run (load ${lastMinute.toFixed(1)})` : undefined;
}

function commit(): string {
  const changed = printed("git", ["status", "--porcelain", "--", "../../src"]) === "" ? "" : " with changes";
  return `${printed("git", ["rev-parse", "--short", "HEAD"]) || "unknown"}${changed}`;
}

const printed = (command: string, args: readonly string[]): string =>
  spawnSync(command, args, { cwd: HERE, encoding: "utf8" }).stdout?.trim() ?? "";
