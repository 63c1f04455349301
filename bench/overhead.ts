/** `npm run bench:overhead`: what a gateway costs, measured side by side with others. See `--help`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Flags, parseFlags, type SectionName, USAGE } from "./parse-flags.ts";
import { busyMachineWarning, describeConditions } from "./report/conditions.ts";
import { findDoubts } from "./report/find-doubts.ts";
import { renderCharts } from "./report/render-charts.ts";
import { renderTable } from "./report/render-table.ts";
import { divideCores } from "./rig/cores.ts";
import { residentMegabytes, waitUntilQuiet } from "./rig/process-figures.ts";
import { createSamples, type Samples } from "./rig/samples.ts";
import { RESULTS, withRig } from "./rig/with-rig.ts";
import { coldStarts } from "./sections/cold-starts.ts";
import { frontier } from "./sections/frontier.ts";
import { hostileBodies } from "./sections/hostile-bodies.ts";
import { longHistories } from "./sections/long-histories.ts";
import type { Bench, Section } from "./sections/section.ts";
import { shortTurns } from "./sections/short-turns.ts";
import { streams } from "./sections/streams.ts";
import { warmUp } from "./sections/warm-up.ts";
import { bareProxy } from "./targets/bare-proxy.ts";
import { checkTarget } from "./targets/check-target.ts";
import { direct } from "./targets/direct.ts";
import { haproxy } from "./targets/haproxy.ts";
import { portkey } from "./targets/portkey.ts";
import { hybridOnSqlite, onDynamo, onMemory, onPostgres, onRedis, onSqlite, stateless } from "./targets/stategate.ts";
import type { Rig, Target, TargetKind } from "./targets/target.ts";
import { startUpstream } from "./upstream/start-upstream.ts";

const kinds = [
  direct,
  haproxy,
  bareProxy,
  portkey,
  stateless,
  onMemory,
  onSqlite,
  onRedis,
  onPostgres,
  onDynamo,
  hybridOnSqlite,
];
const sections: Readonly<Record<SectionName, Section>> = {
  starts: coldStarts,
  turns: shortTurns,
  frontier,
  streams,
  long: longHistories,
  hostile: hostileBodies,
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

if (process.argv.includes("--help")) say(USAGE);
else await run(readFlags());

async function run(flags: Flags): Promise<void> {
  const busy = busyMachineWarning();
  await withRig("run", async ({ startedAt, folder, processes }) => {
    const cores = divideCores();
    const upstream = await startUpstream(processes);
    const rig: Rig = { cores, processes, folder, upstreamPort: upstream.port };
    const samples = createSamples();
    const { targets, doubts } = await openTargets(rig, flags, samples);
    const chosen = kinds.filter(({ name }) => targets.some((target) => target.name === name));
    const bench: Bench = { ...flags, rig, kinds: chosen, targets, upstream, samples, say };
    if (flags.sections.some((name) => name === "turns" || name === "frontier")) await warmUp(bench);
    for (const name of flags.sections) await sections[name](bench);
    const names = targets.map(({ name }) => name);
    const warnings = [...(busy ? [busy] : []), ...doubts, ...findDoubts(samples, names)];
    report([renderTable(samples, names), describeConditions({ ...flags, cores, folder, startedAt })], warnings);
    if (flags.charts !== undefined) writeCharts(flags.charts, renderCharts(samples, names));
  });
}

interface OpenedTargets {
  readonly targets: readonly Target[];
  /** Why columns are missing. */
  readonly doubts: readonly string[];
}

/** A target that cannot be had here (no network, no Redis) costs its column, not the run. */
async function openTargets(rig: Rig, flags: Flags, samples: Samples): Promise<OpenedTargets> {
  const targets: Target[] = [];
  const doubts: string[] = [];
  for (const kind of kinds.filter(({ name }) => flags.targets.includes(name))) {
    say(`starting ${kind.name}`);
    try {
      targets.push(await openTarget(rig, kind, samples));
    } catch (error) {
      doubts.push(`${kind.name} is missing: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { targets, doubts };
}

async function openTarget(rig: Rig, kind: TargetKind, samples: Samples): Promise<Target> {
  const target = await kind.open(rig);
  const { name, process, readyMs } = target;
  if (process) {
    await waitUntilQuiet(process.pid);
    samples.add(name, "firstRestMegabytes", residentMegabytes(process.pid));
    samples.add(name, "readyMs", readyMs);
  }
  await checkTarget(target);
  return target;
}

/** The table goes to standard output and to a file, everything else to standard error. */
function report(parts: readonly string[], warnings: readonly string[]): void {
  const text = `${parts.join("\n\n")}\n`;
  process.stdout.write(text);
  writeFileSync(join(RESULTS, "overhead.md"), text);
  for (const warning of warnings) say(`warning: ${warning}`);
}

function writeCharts(folder: string, charts: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, chart] of charts) writeFileSync(join(folder, name), chart);
}

function readFlags(): Flags {
  try {
    return parseFlags(process.argv.slice(2));
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(2);
  }
}
