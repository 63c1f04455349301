import { p99BoundsMs } from "../report/frontier.ts";
import { type ClientCount, clientCounts } from "../rig/samples.ts";
import { median, percentile } from "../rig/statistics.ts";
import type { Target } from "../targets/target.ts";
import { clientsOf, measureLoad } from "./measure-load.ts";
import { type Bench, interleave, type Section } from "./section.ts";

/** There are seven loads to measure, so each gets less time than other measurements. */
export const FRONTIER_SHARE = 0.4;
/** Of the median: more clients cannot bring a p99 back below any bound. */
const HOPELESS_P50_MS = Math.max(...p99BoundsMs);

/** Short turns of more and more clients: how much a target answers, and how late the latest hundredth is. */
export const frontier: Section = async (bench) => {
  await bench.upstream.answerWith({ kind: "json" });
  const briefly = { ...bench, durationMs: bench.durationMs * FRONTIER_SHARE };
  let hopeful = bench.targets;
  for (const count of clientCounts) {
    if (hopeful.length === 0) return;
    bench.say(`frontier, ${count} ${count === 1 ? "client" : "clients"}`);
    const p50s = await interleave(briefly, hopeful, (target) => measureAt(count, target, briefly));
    const p50Ms = (target: Target): number => median(p50s.map((round) => round.get(target) ?? Number.NaN));
    hopeful = hopeful.filter((target) => p50Ms(target) <= HOPELESS_P50_MS);
  }
};

/** Resolves to the median in ms. */
async function measureAt(count: ClientCount, target: Target, { durationMs, samples }: Bench): Promise<number> {
  const clients = clientsOf(target, count);
  const { requestsPerSecond, totals } = await measureLoad(target, { clients, durationMs, samples });
  samples.add(target.name, `throughputAt${count}`, requestsPerSecond);
  samples.add(target.name, `p99MsAt${count}`, percentile(totals, 0.99));
  return percentile(totals, 0.5);
}
