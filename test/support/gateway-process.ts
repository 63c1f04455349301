import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { sharedFolder } from "./test-gateway.ts";

/** A gateway in a process of its own, whose every word is kept. */
export interface GatewayProcess {
  /** Base URL with `/v1`. */
  readonly url: string;
  readonly origin: string;
  readonly pid: number;
  /** Its exit code, when it has ended by itself or by a signal. */
  readonly ended: Promise<number | null>;
  /** Everything it wrote to standard output and standard error so far. */
  output(): string;
  /** SIGKILL: nothing is flushed, nothing is said. */
  kill(): Promise<void>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
}

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 60_000;

/** `env` is all the process gets, besides a port, packed vocabularies and a path. */
export async function startGatewayProcess(
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [MAIN, "start"], {
    env: {
      PATH: process.env["PATH"],
      STATEGATE_PORT: "0",
      STATEGATE_LIMITS__SESSION_CALLS_PER_MINUTE: "100000000",
      STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: join(sharedFolder, "development.key"),
      ...env,
    },
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killWithTest = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithTest);
  child.once("exit", () => process.off("exit", killWithTest));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  const ended = once(child, "close").then(() => child.exitCode);
  const url = await listeningUrl(child, () => output);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.kill(signal);
    return ended;
  };
  return {
    url,
    origin: url.replace(/\/v1$/, ""),
    pid: child.pid ?? 0,
    ended,
    output: () => output,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
  };
}

function listeningUrl(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`the gateway did not start in time: ${output()}`)),
      START_TIMEOUT_MS,
    );
    child.once("exit", (code) => reject(new Error(`the gateway ended with ${code} before it listened: ${output()}`)));
    child.stdout?.on("data", () => {
      const match = /listens on (\S+)/.exec(output());
      if (!match?.[1]) return;
      clearTimeout(late);
      resolve(match[1]);
    });
  });
}
