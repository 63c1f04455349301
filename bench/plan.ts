/**
 * `npm run bench:plan`: what planning a turn of a session of 1,000 turns takes, read from the gateway's own histogram.
 * Loading is not in it; in `semantic` and `hybrid` recall is. Then what the choice alone takes where a thousand turns of
 * an agent are in view, and how long others wait while a session's recall index is made anew.
 */
import { parseArgs } from "node:util";

import { startSimulatedUpstream } from "../src/demo/simulated-upstream.ts";
import { strategyNames } from "../src/history/history-strategy.ts";
import { chatRequest, getRequest } from "./load/chat-requests.ts";
import { type HttpConnection, openConnection } from "./load/http-connection.ts";
import { timeAgedChoice } from "./plan/aged-choice.ts";
import { rebuildIndex } from "./plan/index-rebuild.ts";
import { divideCores } from "./rig/cores.ts";
import { withRig } from "./rig/with-rig.ts";
import { plainText } from "./sections/plain-text.ts";
import { onMemory } from "./targets/stategate.ts";

const TURNS = 1_000;
const MEASURED = 200;
/** About a hundred tokens. */
const TURN_CHARACTERS = 400;
/** About a thousand. */
const LONG_CHARACTERS = 4_000;
const MANY_TURNS = 10_000;
const HEADER = "| strategy | p50 | p99 |\n| --- | --- | --- |\n";
const BUCKET = /^stategate_overhead_duration\w*_bucket\{[^}]*stategate_stage="plan"[^}]*le="([^"]+)"[^}]*\} (\d+)/gm;

const { values } = parseArgs({ options: { help: { type: "boolean" } } });
if (values.help) {
  process.stdout.write(
    "npm run bench:plan, without options: a table for each of three measurements, on standard output\n",
  );
  process.exit();
}
const upstream = await startSimulatedUpstream({ maxLoggedRequests: 1 });
await withRig("plan", async ({ folder, processes }) => {
  const rig = { cores: divideCores(), processes, folder, upstreamPort: upstream.port };
  const { port } = await onMemory.open(rig);
  const connection = await openConnection(port);
  process.stdout.write(`planning turn ${TURNS + 1} to ${TURNS + MEASURED}, ms\n\n${HEADER}`);
  for (const strategy of strategyNames) {
    await play(connection, { strategy, from: 0, to: TURNS });
    const before = await planningTimes(connection);
    await play(connection, { strategy, from: TURNS, to: TURNS + MEASURED });
    const after = await planningTimes(connection);
    const counts = new Map([...after].map(([limit, count]) => [limit, count - (before.get(limit) ?? 0)]));
    process.stdout.write(`| ${strategy} | ${percentile(counts, 0.5)} | ${percentile(counts, 0.99)} |\n`);
  }
  connection.close();
  process.stdout.write(`\nchoice alone, ${TURNS} turns in view whose tool results have aged\n\n${HEADER}`);
  for (const strategy of strategyNames) {
    const { p50Ms, p99Ms } = timeAgedChoice(strategy, TURNS);
    process.stdout.write(`| ${strategy} | ${p50Ms.toFixed(2)} | ${p99Ms.toFixed(2)} |\n`);
  }
  process.stdout.write(
    `\na gateway that has just started recalls from a session on SQLite, ms\n\n` +
      "| turns | characters | answered after | event loop held at most | in processor time |\n| --: | --: | --: | --: | --: |\n",
  );
  for (const session of [
    { turns: TURNS, characters: LONG_CHARACTERS },
    { turns: MANY_TURNS, characters: TURN_CHARACTERS },
  ]) {
    for (const { answerMs, heldMs, heldCpuMs } of await rebuildIndex(rig, session)) {
      const cells = [answerMs, heldMs, heldCpuMs].map((ms) => ms.toFixed(0));
      process.stdout.write(`| ${[session.turns, session.characters, ...cells].join(" | ")} |\n`);
    }
  }
}).finally(() => upstream.close());

async function play(
  connection: HttpConnection,
  { strategy, from, to }: { strategy: string; from: number; to: number },
): Promise<void> {
  const headers = { authorization: "Bearer bench", "x-session-id": strategy, "x-history-strategy": strategy };
  for (let turn = from; turn < to; turn += 1) {
    const content = `${plainText(TURN_CHARACTERS, turn)} [[len:20]]`;
    const { status } = await connection.send(chatRequest(headers, [{ role: "user", content }]));
    if (status !== 200) throw new Error(`turn ${turn} of ${strategy} was answered with ${status}`);
  }
}

/** Turns planned so far within each limit, in ms. */
async function planningTimes(connection: HttpConnection): Promise<Map<number, number>> {
  const { text } = await connection.send(getRequest("/metrics"), { keepText: true });
  return new Map(
    [...text.matchAll(BUCKET)].map(([, limit, count]) => [
      Number(limit?.replace("+Inf", "Infinity")) * 1_000,
      Number(count),
    ]),
  );
}

/** The histogram's limit that so many stay below. */
function percentile(counts: ReadonlyMap<number, number>, share: number): string {
  const all = counts.get(Infinity) ?? 0;
  const limits = [...counts.keys()].toSorted((left, right) => left - right);
  return `< ${limits.find((limit) => (counts.get(limit) ?? 0) >= share * all) ?? "?"}`;
}
