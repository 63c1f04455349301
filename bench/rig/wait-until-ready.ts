import { setTimeout as pause } from "node:timers/promises";

import { getRequest } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import type { BenchProcess } from "./process-group.ts";

export interface ReadyOptions {
  readonly name: string;
  readonly process: BenchProcess;
  readonly port: number;
  readonly path: string;
}

const STEP_MS = 3;
const LIMIT_MS = 30_000;

/** Resolves with the first 200. Rejects, with the process's last words, when it ends or takes too long. */
export async function waitUntilReady({ name, process, port, path }: ReadyOptions): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (performance.now() < deadline && !process.hasEnded()) {
    if ((await statusOf(port, path)) === 200) return;
    await pause(STEP_MS);
  }
  throw new Error(`${name} did not get ready:\n${process.lastWords()}`);
}

async function statusOf(port: number, path: string): Promise<number | undefined> {
  try {
    const connection = await openConnection(port);
    const { status } = await connection.send(getRequest(path));
    connection.close();
    return status;
  } catch {
    return undefined;
  }
}
