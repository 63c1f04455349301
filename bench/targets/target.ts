import type { Cores } from "../rig/cores.ts";
import type { BenchProcess, ProcessGroup } from "../rig/process-group.ts";

/** What every target needs to be started. */
export interface Rig {
  readonly cores: Cores;
  readonly processes: ProcessGroup;
  /** Of this run; on a real disk, because a store's commits are measured. */
  readonly folder: string;
  readonly upstreamPort: number;
}

/** Something that takes chat requests: the upstream itself, or a gateway in front of it. */
export interface Target {
  readonly name: TargetName;
  readonly port: number;
  /** `undefined` for the upstream itself. */
  readonly process: BenchProcess | undefined;
  /** From spawning it to its first 200. */
  readonly readyMs: number;
  readonly healthPath: string;
  /** What its clients must send besides their credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly hasMemory: boolean;
  /** Of a gateway with a store: where it is. */
  readonly store?: string;
  /** Ends the process and starts the same again. */
  readonly restart?: () => Promise<Target>;
}

export interface TargetKind {
  readonly name: TargetName;
  /** Starts it and waits until it answers. Everything it starts belongs to the rig's processes. */
  open(rig: Rig): Promise<Target>;
}

export const targetNames = [
  "direct",
  "haproxy",
  "bare proxy",
  "Portkey",
  "stateless",
  "memory",
  "SQLite",
  "Redis",
  "PostgreSQL",
  "DynamoDB",
  "SQLite hybrid",
] as const;
export type TargetName = (typeof targetNames)[number];
