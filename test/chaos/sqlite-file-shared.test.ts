/** Two gateways, commands and a backup at work on one SQLite file at once: nothing that was acknowledged is lost. */
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, errorCodes, said, transcript } from "../support/fault-client.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/gateway-process.ts";
import { inCiOrProving } from "../support/prove.ts";
import { type CommandOutcome, runOperatorCommand } from "../support/run-operator-command.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const SESSIONS = ["one", "two", "three"];
const TURNS = inCiOrProving(12, 200);

let upstream: SimulatedUpstream;
let folder: TempFolder;
let gateways: GatewayProcess[];
const envOf = (file: string) => ({
  ...masterKeys,
  STATEGATE_UPSTREAM_URL: upstream.url,
  STATEGATE_STORE: `sqlite:${join(folder.path, file)}`,
  STATEGATE_STORE__TIMEOUT_MS: "20000",
});
const start = async (file: string): Promise<GatewayProcess> => {
  const gateway = await startGatewayProcess(envOf(file));
  gateways.push(gateway);
  return gateway;
};

beforeEach(async () => {
  upstream = await startSimulatedUpstream({ maxLoggedRequests: 10 });
  folder = await createTempFolder();
  gateways = [];
});
afterEach(async () => {
  for (const gateway of gateways) await gateway.stop();
  await upstream.close();
  await folder.remove();
});

/** Says so much, one after another, and resolves to what was acknowledged. */
async function talk({ url }: GatewayProcess, session: string, speaker: string): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const text = `${speaker} ${turn} [[len:3]]`;
    const answer = await ask(url, { session, messages: [said(text)] });
    if (answer.status === 200 && answer.whole && errorCodes(answer).length === 0) acknowledged.push(`user: ${text}`);
  }
  return acknowledged;
}

describe("two gateways on one SQLite file", () => {
  it("beside commands and a backup: every turn that was acknowledged is there once", async () => {
    const [first, second] = await Promise.all([start("stategate.db"), start("stategate.db")]);
    const run = (...args: string[]): Promise<CommandOutcome> =>
      runOperatorCommand(args, { folder: folder.path, env: envOf("stategate.db") });
    const early = await talk(first, "early", "ada");
    const talking = SESSIONS.map(async (session) => {
      const heard = await Promise.all([talk(first, session, "ada"), talk(second, session, "ben")]);
      return heard.flat();
    });
    const commands = [
      await run("store", "backup", join(folder.path, "copy.db")),
      await run("keys", "rotate"),
      await run("keys", "issue", "--tenant", "t", "--label", "l"),
    ];
    const acknowledged = await Promise.all(talking);
    expect(commands.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      commands.map(() => ({ code: 0, stderr: expect.not.stringContaining("stategate ") })),
    );
    for (const [index, session] of SESSIONS.entries()) {
      expect(acknowledged[index]).toHaveLength(2 * TURNS);
      for (const { url } of [first, second]) {
        const stored = await transcript(url, session);
        const spoken = stored.filter((line) => line.startsWith("user: "));
        expect(spoken.toSorted()).toEqual(acknowledged[index]?.toSorted());
        expect(stored).toHaveLength(2 * spoken.length);
      }
    }

    // A cold gateway checks each session's chain when it opens it.
    const restored = await start("copy.db");
    const kept = await transcript(restored.url, "early");
    expect(kept.filter((line) => line.startsWith("user: "))).toEqual(early);
    for (const session of SESSIONS) {
      expect((await ask(restored.url, { session, messages: [said("go on [[len:1]]")] })).status).toBe(200);
    }
  });
});
