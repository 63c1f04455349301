import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { describe, it } from "vitest";

import { findFreePort } from "../../bench/rig/free-port.ts";
import { createTempFolder } from "./store-temp-folder.ts";

/** A real Redis on a loopback port and in a folder of its own. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL: no goodbye, nothing saved. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and answers nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Starts it again after `kill`, on the same port and folder. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Keep every write in the append-only file, synced before it is answered. */
  readonly appendOnly?: boolean;
  /** Further arguments of `redis-server`. */
  readonly settings?: readonly string[];
}

/** `redis-server`, or what the variable names: another release, or `valkey-server`. */
const program = process.env["STATEGATE_TEST_REDIS_SERVER"] ?? "redis-server";
const hasRedis = spawnSync(program, ["--version"]).status === 0;

/** `describe`, where there is a Redis. Elsewhere a visible skip on a laptop and a failure in CI. */
export function describeWithRedis(name: string, define: () => void): void {
  if (hasRedis) return void describe(name, define);
  if (process.env["CI"] === undefined) return void describe.skip(`${name} (redis-server is not installed)`, define);
  describe(name, () => {
    it("needs redis-server", () => {
      throw new Error("redis-server is not installed, and in CI no adapter goes untested");
    });
  });
}

export async function startRedisServer({
  appendOnly = false,
  settings = [],
}: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await createTempFolder();
  const port = await findFreePort();
  const persistence = ["--save", "", "--appendonly", appendOnly ? "yes" : "no", "--appendfsync", "always"];
  const address = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path];
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn(program, [...address, ...persistence, ...settings], { stdio: "ignore" });
    await waitUntilReady(port, child);
    return child;
  };
  let server = await launch().catch(async (cause: unknown) => {
    await folder.remove();
    throw cause;
  });
  const killWithUs = (): void => void server.kill("SIGKILL");
  process.once("exit", killWithUs);

  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    freeze: () => void server.kill("SIGSTOP"),
    thaw: () => void server.kill("SIGCONT"),
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

async function waitUntilReady(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    if (await answersPing(port)) return;
    await pause(20);
  }
  child.kill("SIGKILL");
  throw new Error("redis-server did not get ready");
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString().startsWith("+PONG"));
    });
    socket.once("error", () => resolve(false));
  });
}
