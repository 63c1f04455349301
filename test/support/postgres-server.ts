import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { appendFile, chown } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import pg from "pg";
import { describe, it } from "vitest";

import { findFreePort } from "../../bench/rig/free-port.ts";
import { createTempFolder } from "./store-temp-folder.ts";

/** A real PostgreSQL on a loopback port, with a cluster of its own in which every commit is synced. */
export interface PostgresServer {
  /** Where its files lie. */
  readonly folder: string;
  /** The address of a database that nobody else uses, made now. */
  createDatabase(): Promise<string>;
  /** SIGQUIT to the server and, through it, to every backend: what `pg_ctl stop -m immediate` does. */
  kill(): Promise<void>;
  /** SIGSTOP for the server and its backends: connections are accepted, and nothing answers. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
  /** Starts it again after `kill`, on the same port and cluster. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Further lines of `postgresql.conf`. */
  readonly settings?: readonly string[];
  /** Writes the files that they name, into the cluster's folder. */
  readonly prepare?: (folder: string) => Promise<void>;
}

/** Debian keeps them out of the path, one folder for each version. */
const binaries = ["/usr/lib/postgresql", "/usr/local", "/opt/homebrew/opt"]
  .flatMap((root) => globSync(`${root}/{*/bin,bin}/initdb`))
  .toSorted()
  .at(-1)
  ?.replace(/initdb$/, "");

export const hasPostgres = binaries !== undefined || process.env["CI"] !== undefined;

/** `describe`, where there is a PostgreSQL. Elsewhere a visible skip on a laptop and a failure in CI. */
export function describeWithPostgres(name: string, define: () => void): void {
  if (binaries !== undefined) return void describe(name, define);
  if (process.env["CI"] === undefined) return void describe.skip(`${name} (PostgreSQL is not installed)`, define);
  describe(name, () => {
    it("needs PostgreSQL", () => {
      throw new Error("PostgreSQL is not installed, and in CI no adapter goes untested");
    });
  });
}

/** Neither `initdb` nor the server runs as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

export async function startPostgresServer({
  settings = [],
  prepare,
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = await createTempFolder();
  const user = unprivileged();
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder.path, user.uid, user.gid);
  const cluster = join(folder.path, "cluster");
  const port = await findFreePort();
  const made = spawnSync(
    `${binaries}initdb`,
    ["-D", cluster, "-U", "stategate", "-A", "trust", "-E", "UTF8", "--wal-segsize=1"],
    {
      ...user,
      cwd: folder.path,
    },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${String(made.stderr)}`);
  const own = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    "shared_buffers = 32MB",
    "autovacuum = off",
  ];
  await prepare?.(cluster);
  await appendFile(join(cluster, "postgresql.conf"), `${[...own, ...settings].join("\n")}\n`);

  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(`${binaries}postgres`, ["-D", cluster], { ...user, stdio: "ignore" });
    await waitUntilReady(port, child);
    return child;
  };
  let server = await launch();
  const admin = `postgres://stategate@127.0.0.1:${port}/postgres`;
  let frozen: number[] = [];
  const thaw = (): void => {
    for (const pid of frozen) process.kill(pid, "SIGCONT");
    frozen = [];
  };
  const killWithUs = (): void => void server.kill("SIGQUIT");
  process.once("exit", killWithUs);
  let databases = 0;

  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    thaw();
    server.kill("SIGQUIT");
    await exited;
  };
  return {
    folder: cluster,
    async createDatabase() {
      const database = `test_${(databases += 1)}`;
      await queryOnce(admin, `CREATE DATABASE ${database}`);
      return `postgres://stategate@127.0.0.1:${port}/${database}`;
    },
    kill,
    async freeze() {
      const backends = await queryOnce(admin, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
      frozen = [Number(server.pid), ...backends.map((row) => Number(row["pid"]))];
      for (const pid of frozen) process.kill(pid, "SIGSTOP");
    },
    thaw,
    async restart() {
      server = await launch();
    },
    async stop() {
      await kill();
      process.off("exit", killWithUs);
      await folder.remove();
    },
  };
}

/** One statement over a connection of its own. */
export async function queryOnce(address: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(address);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function waitUntilReady(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
    const answers = queryOnce(`postgres://stategate@127.0.0.1:${port}/postgres`, "SELECT 1");
    if (
      await answers.then(
        () => true,
        () => false,
      )
    )
      return;
    await pause(20);
  }
  child.kill("SIGKILL");
  throw new Error("postgres did not get ready");
}
