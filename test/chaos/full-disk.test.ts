/** A gateway on SQLite whose disk takes no more: what is stored can be read all the while, and nothing promised is lost. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { describe, expect, it, vi } from "vitest";

import { startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, errorCodes, said, transcript } from "../support/fault-client.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import { createTempFolder } from "../support/store-temp-folder.ts";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;
const SPEAKERS = Array.from({ length: 12 }, (_, index) => `session-${index}`);

describe.skipIf(!hasPrlimit)("a full disk under a gateway", () => {
  it("ends turns with an error, serves what is stored, says so once, and takes turns again when there is space", async () => {
    const [upstream, folder] = await Promise.all([startSimulatedUpstream(), createTempFolder()]);
    const gateway = await startGatewayProcess({
      STATEGATE_UPSTREAM_URL: upstream.url,
      STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`,
      STATEGATE_STORE__TIMEOUT_MS: "20000",
    });
    const limitFiles = (bytes: string): void => {
      const { status } = spawnSync("prlimit", ["--pid", String(gateway.pid), `--fsize=${bytes}:unlimited`]);
      expect(status).toBe(0);
    };
    const speak = async (session: string): Promise<boolean> => {
      const answer = await ask(gateway.url, { session, messages: [said("hello [[len:1]]")] });
      return answer.status === 200 && answer.whole && errorCodes(answer).length === 0;
    };
    const speakAll = (): Promise<boolean[]> => Promise.all(SPEAKERS.map(speak));
    const readAll = (): Promise<string[][]> => Promise.all(SPEAKERS.map((session) => transcript(gateway.url, session)));
    const once = SPEAKERS.map(() => ["user: hello [[len:1]]", "assistant: word0"]);
    const linesWith = (event: string): number => gateway.output().split(`"${event}"`).length - 1;

    expect(await speakAll()).not.toContain(false);
    limitFiles("4096");
    for (let round = 0; round < 3; round += 1) {
      expect(await speakAll()).not.toContain(true);
      expect(await readAll()).toEqual(once);
      // Longer than a circuit stays open.
      await pause(1_100);
    }
    expect(linesWith("sqlite_writes_failing")).toBe(1);
    expect(linesWith("store_circuit_opened")).toBe(1);
    expect(linesWith("store_circuit_closed")).toBe(0);

    limitFiles("unlimited");
    await vi.waitFor(async () => expect(await speak("session-0")).toBe(true), { timeout: 20_000, interval: 200 });
    // What a process writes may come a little after what it answers.
    await vi.waitFor(() => {
      expect(linesWith("sqlite_writes_again")).toBe(1);
      expect(linesWith("store_circuit_closed")).toBe(1);
    });
    expect((await readAll()).slice(1)).toEqual(once.slice(1));
    expect(await gateway.stop()).toBe(0);
    await upstream.close();
    await folder.remove();
  });
});
