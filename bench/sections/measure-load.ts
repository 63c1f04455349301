import { messagesAlone, messagesInSessions, type RequestSource } from "../load/chat-requests.ts";
import { type LoadResult, runClosedLoop } from "../load/closed-loop.ts";
import { cpuMs } from "../rig/process-figures.ts";
import type { Samples } from "../rig/samples.ts";
import type { Target } from "../targets/target.ts";

export interface MeasuredLoad extends LoadResult {
  /** Spent by the gateway's process; NaN when there is none. */
  readonly cpuMs: number;
}

interface LoadPlan {
  readonly clients: readonly RequestSource[];
  readonly durationMs: number;
  readonly samples: Samples;
}

export async function measureLoad(target: Target, { clients, durationMs, samples }: LoadPlan): Promise<MeasuredLoad> {
  const cpu = (): number => (target.process ? cpuMs(target.process.pid) : Number.NaN);
  const before = cpu();
  const result = await runClosedLoop({ port: target.port, clients, durationMs });
  samples.addFailures(target.name, result.failures);
  return { ...result, cpuMs: cpu() - before };
}

/** So many clients of a target, in sessions where it keeps any. */
export function clientsOf({ hasMemory, headers }: Target, count: number, stream = false): RequestSource[] {
  const open = hasMemory ? messagesInSessions : messagesAlone;
  return Array.from({ length: count }, (_, client) => open({ client, headers, stream }));
}
