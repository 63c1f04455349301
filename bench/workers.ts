/**
 * `npm run bench:workers`: what a second worker adds. See `--help`.
 *
 * Nothing is pinned: the load generator, the upstream and Redis take their share of the same cores, so that on two of them
 * a second worker cannot add what it would on a machine of its own.
 */
import { parseArgs } from "node:util";

import { runClosedLoop } from "./load/closed-loop.ts";
import { describeMachine } from "./report/conditions.ts";
import type { Cores } from "./rig/cores.ts";
import { cpuMsOfAll } from "./rig/process-figures.ts";
import { median, percentile } from "./rig/statistics.ts";
import { withRig } from "./rig/with-rig.ts";
import { clientsOf } from "./sections/measure-load.ts";
import { onRedisWith, onSqliteWith } from "./targets/stategate.ts";
import type { Target } from "./targets/target.ts";
import { startUpstream } from "./upstream/start-upstream.ts";

const CLIENTS = 32;
const WARM_UP_MS = 10_000;
const USAGE = `npm run bench:workers -- [options]

  --rounds N     interleaved rounds (5)
  --seconds N    length of one measurement (2)
  --workers A,B  numbers of workers (1,2)
`;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    workers: { type: "string", default: "1,2" },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const durationMs = Number(values.seconds) * 1000;
const workers = values.workers.split(",").map(Number);

interface Measured {
  readonly target: Target;
  readonly workers: number;
  readonly rates: number[];
  readonly p99s: number[];
  readonly cpuUs: number[];
}

await withRig("workers", async ({ startedAt, folder, processes }) => {
  const cores: Cores = { isPinned: false, gatewayPrefix: [], description: "not pinned" };
  const upstream = await startUpstream(processes);
  await upstream.answerWith({ kind: "json" });
  const all: Measured[] = [];
  for (const kind of [onSqliteWith, onRedisWith]) {
    for (const count of workers) {
      const target = await kind(count).open({ cores, processes, folder, upstreamPort: upstream.port });
      all.push({ target, workers: count, rates: [], p99s: [], cpuUs: [] });
      await runClosedLoop({ port: target.port, clients: clientsOf(target, CLIENTS), durationMs: WARM_UP_MS });
    }
  }
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) await measure(one);
  }
  process.stdout.write(`${table(all)}\n${describeMachine({ cores, folder, startedAt })}\n`);
  process.stdout.write(`${CLIENTS} clients; medians of ${values.rounds} interleaved rounds of ${values.seconds} s.\n`);
});

async function measure({ target, rates, p99s, cpuUs }: Measured): Promise<void> {
  const pid = target.process?.pid ?? Number.NaN;
  const before = cpuMsOfAll(pid);
  const load = await runClosedLoop({ port: target.port, clients: clientsOf(target, CLIENTS), durationMs });
  if (load.failures > 0) throw new Error(`${load.failures} requests failed`);
  rates.push(load.requestsPerSecond);
  p99s.push(percentile(load.totals, 0.99));
  cpuUs.push(((cpuMsOfAll(pid) - before) * 1000) / load.requests);
}

function table(all: readonly Measured[]): string {
  const rows = all.map(({ target, workers, rates, p99s, cpuUs }) =>
    [target.name, workers, median(rates).toFixed(0), median(p99s).toFixed(1), median(cpuUs).toFixed(0)].join(" | "),
  );
  const head = "| store | workers | turns/s | p99 ms | CPU µs a turn, all workers |\n| --- | --: | --: | --: | --: |";
  return `${head}\n${rows.map((row) => `| ${row} |\n`).join("")}`;
}
