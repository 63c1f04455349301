import { getRequest } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import { residentMegabytes } from "../rig/process-figures.ts";
import { percentile } from "../rig/statistics.ts";
import type { Target } from "../targets/target.ts";
import { clientsOf, type MeasuredLoad, measureLoad } from "./measure-load.ts";
import { interleave, type Section } from "./section.ts";

const BUSY_CLIENTS = 16;
/**
 * Uncounted before each measurement. While the others had their turns, V8 has given back the heap of a gateway that was
 * idle and dropped compiled code that nothing held any more; some 7,000 turns later it is as it was.
 */
export const LEAD_IN_MS = 2_500;

/** One short message a turn: latency at one client, throughput and CPU time at sixteen, memory after all of it. */
export const shortTurns: Section = async (bench) => {
  const { targets, upstream, samples, durationMs, say } = bench;
  await upstream.answerWith({ kind: "json" });
  const measure = (target: Target, count: number, ms: number) =>
    measureLoad(target, { clients: clientsOf(target, count), durationMs: ms, samples });
  const unhurried = { ...bench, durationMs: durationMs + LEAD_IN_MS };
  say("short turns, one client");
  const calm = await interleave(unhurried, targets, async (target) => {
    await measure(target, 1, LEAD_IN_MS);
    const callsBefore = await storeCalls(target);
    const load = await measure(target, 1, durationMs);
    if (target.hasMemory) {
      samples.add(target.name, "storeCalls", ((await storeCalls(target)) - callsBefore) / load.requests);
    }
    return load;
  });
  for (const round of calm) recordAdded(round);
  say(`short turns, ${BUSY_CLIENTS} clients`);
  const busy = await interleave(unhurried, targets, async (target) => {
    await measure(target, BUSY_CLIENTS, LEAD_IN_MS);
    return measure(target, BUSY_CLIENTS, durationMs);
  });
  for (const [target, load] of busy.flatMap((round) => [...round])) recordBusy(target, load);
  for (const { name, process } of targets) {
    if (process) samples.add(name, "loadedMegabytes", residentMegabytes(process.pid));
  }

  function recordAdded(round: ReadonlyMap<Target, MeasuredLoad>): void {
    const base = round.get(directOf(targets))?.totals ?? new Float64Array();
    for (const [{ name }, { totals }] of round) {
      samples.add(name, "addedP50Ms", percentile(totals, 0.5) - percentile(base, 0.5));
      samples.add(name, "addedP99Ms", percentile(totals, 0.99) - percentile(base, 0.99));
    }
  }

  function recordBusy({ name, process }: Target, load: MeasuredLoad): void {
    samples.add(name, "throughput", load.requestsPerSecond);
    samples.add(name, "busyP99Ms", percentile(load.totals, 0.99));
    if (process) samples.add(name, "cpuPerRequestUs", (load.cpuMs * 1000) / load.requests);
  }
};

/** Loads and commits so far: a round trip each, whatever the store. */
async function storeCalls({ port, hasMemory }: Target): Promise<number> {
  if (!hasMemory) return 0;
  const connection = await openConnection(port);
  const { text } = await connection.send(getRequest("/metrics"), { keepText: true });
  connection.close();
  const counts = [...text.matchAll(CALLS)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}

const CALLS = /^stategate_store_duration\w*_count\{[^}]*stategate_store_operation="(?:load|commit)"[^}]*\} (\d+)/gm;

export function directOf(targets: readonly Target[]): Target {
  const [direct] = targets;
  if (direct?.name !== "direct") throw new TypeError("the direct target must come first");
  return direct;
}
