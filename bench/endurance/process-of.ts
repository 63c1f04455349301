import type { BenchProcess } from "../rig/process-group.ts";
import type { Target } from "../targets/target.ts";

export function processOf({ name, process }: Target): BenchProcess {
  if (!process) throw new TypeError(`${name} has no process`);
  return process;
}
