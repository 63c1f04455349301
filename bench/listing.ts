/** `npm run bench:listing`: a page of the sessions of a user who has many. See `--help`. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { openStoreFiller } from "./growth/fill-store.ts";
import { describeMachine } from "./report/conditions.ts";
import { divideCores } from "./rig/cores.ts";
import { percentile } from "./rig/statistics.ts";
import { withRig } from "./rig/with-rig.ts";
import { startPostgres } from "./targets/postgres-server.ts";
import { startRedis } from "./targets/redis-server.ts";
import type { Rig } from "./targets/target.ts";

const USAGE = `npm run bench:listing -- [options]

  --sessions N  of the one user (10000)
  --pages N     measured in each row (500)
`;
const LIMITS = [20, 50, 100];
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    sessions: { type: "string", default: "10000" },
    pages: { type: "string", default: "500" },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

await withRig("listing", async ({ startedAt, folder, processes }) => {
  const cores = divideCores();
  const rig: Rig = { cores, processes, folder, upstreamPort: 0 };
  const addresses = {
    SQLite: `sqlite:${join(folder, "listing.db")}`,
    Redis: await startRedis(rig),
    PostgreSQL: await startPostgres(rig),
  };
  process.stdout.write("| store | rows | from | p50 ms | p99 ms |\n| --- | --: | --- | --: | --: |\n");
  for (const [name, address] of Object.entries(addresses)) await measureStore(name, address);
  process.stdout.write(`\n${values.sessions} sessions of one user, ${values.pages} pages a row, one after another. `);
  process.stdout.write(`${describeMachine({ cores, folder, startedAt })}\n`);
});

async function measureStore(name: string, address: string): Promise<void> {
  const owner = randomBytes(32).toString("base64url");
  const filler = await openStoreFiller(address);
  await filler.addSessions(Number(values.sessions), owner);
  for (const limit of LIMITS) {
    const { rows: beforeMiddle } = await timed(() => filler.list(owner, { limit: Number(values.sessions) / 2 }));
    const middle = beforeMiddle.at(-1);
    for (const [from, after] of [["the newest"], ["the middle", middle]] as const) {
      const times: number[] = [];
      for (let page = 0; page < Number(values.pages); page += 1) {
        const { rows, ms } = await timed(() => filler.list(owner, { limit, ...(after && { after }) }));
        if (rows.length !== limit) throw new Error(`${name} answered with ${rows.length} rows`);
        times.push(ms);
      }
      const sorted = Float64Array.from(times).sort();
      const figures = [0.5, 0.99].map((share) => percentile(sorted, share).toFixed(2));
      process.stdout.write(`| ${[name, limit, from, ...figures].join(" | ")} |\n`);
    }
  }
  await filler.close();
}

async function timed<Row>(list: () => Promise<readonly Row[]>): Promise<{ rows: readonly Row[]; ms: number }> {
  const startedAt = performance.now();
  const rows = await list();
  return { rows, ms: performance.now() - startedAt };
}
