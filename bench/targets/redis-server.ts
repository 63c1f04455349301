import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { findFreePort } from "../rig/free-port.ts";
import type { BenchProcess } from "../rig/process-group.ts";
import type { Rig } from "./target.ts";

const STEP_MS = 20;
const LIMIT_MS = 10_000;

/** "7.0.15", or `undefined` where it is not installed. */
export function redisVersion(): string | undefined {
  const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return /v=(\S+)/.exec(stdout ?? "")?.[1];
}

/** A real Redis that writes nothing to disk, beside the upstream. Resolves to its URL. */
export async function startRedis({ processes, folder }: Rig): Promise<string> {
  if (redisVersion() === undefined) throw new Error("redis-server is not installed");
  const port = await findFreePort();
  const settings = ["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"];
  const server = processes.start({ name: "redis", command: ["redis-server", "--port", String(port), ...settings] });
  await waitForPong(port, server);
  return `redis://127.0.0.1:${port}`;
}

async function waitForPong(port: number, server: BenchProcess): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (performance.now() < deadline && !server.hasEnded()) {
    if (await answersPing(port)) return;
    await pause(STEP_MS);
  }
  throw new Error(`redis-server did not get ready:\n${server.lastWords()}`);
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
