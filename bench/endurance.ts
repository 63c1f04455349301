/**
 * `npm run bench:endurance`: what streams leave behind. Memory of a thousand open ones and of a reader that does not read;
 * memory, sockets, timers and listeners over many streams, half of them aborted. See `--help`.
 */
import { parseArgs } from "node:util";

import { measureAbortedStreams } from "./endurance/aborted-streams.ts";
import { openInside } from "./endurance/inside.ts";
import { measureOpenStreams } from "./endurance/open-streams.ts";
import { measureSlowReader } from "./endurance/slow-reader.ts";
import { describeMachine } from "./report/conditions.ts";
import { divideCores } from "./rig/cores.ts";
import { waitUntilQuiet } from "./rig/process-figures.ts";
import { withRig } from "./rig/with-rig.ts";
import { onSqlite } from "./targets/stategate.ts";
import { startUpstream } from "./upstream/start-upstream.ts";

const USAGE = `npm run bench:endurance -- [options]

  --streams N  half of them aborted (100000)
  --quick      4,000 streams: to see that everything runs, not for figures
`;
const { values } = parseArgs({
  options: { help: { type: "boolean" }, quick: { type: "boolean" }, streams: { type: "string" } },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const streams = Number(values.streams ?? (values.quick ? 4_000 : 100_000));

await withRig("endurance", async ({ startedAt, folder, processes }) => {
  const cores = divideCores();
  const upstream = await startUpstream(processes);
  const inside = openInside(processes, folder);
  const target = await onSqlite.open({ cores, processes: inside.processes, folder, upstreamPort: upstream.port });
  await waitUntilQuiet(target.process?.pid ?? Number.NaN);
  const rows = [
    ...(await measureAbortedStreams(target, { upstream, inside, streams })),
    ...(await measureOpenStreams(target, { upstream, inside, streams: values.quick ? 200 : 1_000 })),
    ...(await measureSlowReader(target, { upstream, inside })),
  ];
  process.stdout.write(
    `| measure | value |\n| --- | --: |\n${rows.map(([name, value]) => `| ${name} | ${value} |\n`).join("")}\n`,
  );
  process.stdout.write(
    `${describeMachine({ cores, folder, startedAt })} SQLite, strategy window, sessions of 10 turns.\n`,
  );
});
