import { spawnSync } from "node:child_process";
import { chmodSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { findFreePort } from "../rig/free-port.ts";
import type { BenchProcess } from "../rig/process-group.ts";
import type { Rig } from "./target.ts";

const STEP_MS = 50;
const LIMIT_MS = 20_000;
/** Neither `initdb` nor the server runs as root. */
const asUser = process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];

/** Debian keeps them out of the path, one folder for each version. */
const binaries = globSync("/usr/lib/postgresql/*/bin").toSorted().at(-1);

/** "15.14", or `undefined` where it is not installed. */
export function postgresVersion(): string | undefined {
  if (binaries === undefined) return undefined;
  const { stdout } = spawnSync(join(binaries, "postgres"), ["--version"], { encoding: "utf8" });
  return /\d[\d.]*/.exec(stdout ?? "")?.[0];
}

/** A real PostgreSQL with default settings, so every commit is synced, beside the upstream. Resolves to its URL. */
export async function startPostgres({ processes }: Rig): Promise<string> {
  if (binaries === undefined) throw new Error("PostgreSQL is not installed");
  // Not in the run's folder, which the other user may not enter.
  const folder = mkdtempSync(join(tmpdir(), "stategate-bench-postgres-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o777);
  const cluster = join(folder, "cluster");
  const port = await findFreePort();
  run([...asUser, join(binaries, "initdb"), "-D", cluster, "-U", "stategate", "-A", "trust", "-E", "UTF8"], folder);
  const settings = ["-p", String(port), "-h", "127.0.0.1", "-k", ""];
  const server = processes.start({
    name: "postgres",
    command: withUser([join(binaries, "postgres"), "-D", cluster, ...settings]),
    cwd: folder,
  });
  await waitUntilReady(port, server);
  return `postgres://stategate@127.0.0.1:${port}/postgres`;
}

function withUser(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const [first, ...rest] = [...asUser, ...command];
  return [first ?? command[0], ...rest];
}

function run([command = "", ...args]: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}

async function waitUntilReady(port: number, server: BenchProcess): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  const ready = ["-q", "-h", "127.0.0.1", "-p", String(port)];
  while (performance.now() < deadline && !server.hasEnded()) {
    if (spawnSync(join(binaries ?? "", "pg_isready"), ready).status === 0) return;
    await pause(STEP_MS);
  }
  throw new Error(`PostgreSQL did not get ready:\n${server.lastWords()}`);
}
