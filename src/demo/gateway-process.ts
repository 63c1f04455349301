import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface GatewayProcess {
  /** Base URL with `/v1`. */
  readonly url: string;
  /** SIGKILL: nothing is flushed, nothing is said. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const START_TIMEOUT_MS = 20_000;

/** A gateway as its own process, so that it can be killed like one. */
export async function startGatewayProcess(env: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [MAIN, "start"], {
    env: { ...withoutOwnVariables(process.env), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await listeningUrl(child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return { url, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
}

/** What is set for a gateway of the caller's own would change what is shown, or refuse to start it. */
const withoutOwnVariables = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("STATEGATE_")));

function listeningUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const late = setTimeout(() => reject(new Error("the gateway did not start in time")), START_TIMEOUT_MS);
    child.once("exit", (code) => reject(new Error(`the gateway ended with ${code} before it listened`)));
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
      const match = /listens on (\S+)/.exec(output);
      if (!match?.[1]) return;
      clearTimeout(late);
      resolve(match[1]);
    });
  });
}
