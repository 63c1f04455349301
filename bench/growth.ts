/** `npm run bench:growth`: what a turn costs as sessions grow long, and as sessions and users grow many. See `--help`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { renderGrowthChart, renderGrowthTable } from "./growth/render-growth.ts";
import { measureSessionLength } from "./growth/session-length.ts";
import { measureStored, storedSessions, storedUsers } from "./growth/stored-things.ts";
import { describeMachine } from "./report/conditions.ts";
import { divideCores } from "./rig/cores.ts";
import { withRig } from "./rig/with-rig.ts";
import { onRedis, onSqlite } from "./targets/stategate.ts";
import type { Rig } from "./targets/target.ts";
import { startUpstream } from "./upstream/start-upstream.ts";

const USAGE = `npm run bench:growth -- [options]

  --max N          most sessions and users in the store (1000000; users 100000)
  --charts FOLDER  writes a chart of each curve
  --quick          small sizes: to see that everything runs, not for figures
`;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    quick: { type: "boolean" },
    max: { type: "string" },
    charts: { type: "string" },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const most = Number(values.max ?? (values.quick ? 1_000 : 1_000_000));
const upTo = (limit: number, from: number): number[] =>
  [10, 100, 1_000, 10_000, 100_000, 1_000_000].filter((size) => size >= from && size <= limit);

await withRig("growth", async ({ startedAt, folder, processes }) => {
  const cores = divideCores();
  const upstream = await startUpstream(processes);
  await upstream.answerWith({ kind: "json" });
  const rig: Rig = { cores, processes, folder, upstreamPort: upstream.port };
  const kinds = [onSqlite, onRedis];
  const curves = {
    "session-length": () => measureSessionLength(rig, { kinds, sizes: upTo(values.quick ? 100 : 10_000, 10) }),
    "stored-sessions": () => measureStored(rig, storedSessions, { kinds, sizes: upTo(most, 100) }),
    "stored-users": () => measureStored(rig, storedUsers, { kinds, sizes: upTo(Math.min(most, 100_000), 100) }),
  };
  for (const [name, measure] of Object.entries(curves)) {
    const curve = await measure();
    process.stdout.write(`${renderGrowthTable(curve)}\n\n`);
    if (values.charts !== undefined) writeFileSync(join(values.charts, `${name}.svg`), renderGrowthChart(curve));
  }
  process.stdout.write(`${describeMachine({ cores, folder, startedAt })} Strategy: window; instant upstream.\n`);
});
