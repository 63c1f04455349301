import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

const childProgram = fileURLToPath(new URL("store-sqlite-child.ts", import.meta.url));

/** `store-sqlite-child.ts` in a process of its own. */
export interface StoreProcess {
  readonly child: ChildProcess;
  /** What it prints on standard output. */
  readonly lines: Interface;
  /** SIGKILL, and its end. */
  kill(): Promise<void>;
  untilLine(wanted: string): Promise<void>;
}

/** @param inside a command, and its arguments, that runs the process: another user, another namespace */
export function startStoreProcess(args: readonly string[], inside: readonly string[] = []): StoreProcess {
  const [command = "", ...rest] = [...inside, process.execPath, childProgram, ...args];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  return {
    child,
    lines,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    async untilLine(wanted) {
      for await (const [line] of on(lines, "line")) if (line === wanted) return;
    },
  };
}
