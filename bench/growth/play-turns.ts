import type { RequestSource } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import { cpuMs } from "../rig/process-figures.ts";
import { percentile } from "../rig/statistics.ts";
import type { Target } from "../targets/target.ts";

export interface TurnCost {
  readonly p50Ms: number;
  /** Of the gateway's process. */
  readonly cpuUs: number;
  /** The first turn, which opens what the others find open. */
  readonly firstMs: number;
}

/** Sends so many requests, one after the other. Rejects when one is not answered with 200. */
export async function playTurns(target: Target, source: RequestSource, count: number): Promise<TurnCost> {
  const { name, port, process } = target;
  if (!process) throw new TypeError(`${name} has no process`);
  const connection = await openConnection(port);
  const times: number[] = [];
  const before = cpuMs(process.pid);
  for (let turn = 0; turn < count; turn += 1) {
    const { status, totalMs } = await connection.send(source.next());
    if (status !== 200) throw new Error(`${name} answered with ${status}`);
    times.push(totalMs);
  }
  const cpuUs = ((cpuMs(process.pid) - before) * 1000) / count;
  connection.close();
  return { p50Ms: percentile(Float64Array.from(times).sort(), 0.5), cpuUs, firstMs: times[0] ?? Number.NaN };
}
