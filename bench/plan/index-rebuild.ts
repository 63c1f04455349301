import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { chatRequest } from "../load/chat-requests.ts";
import { openConnection } from "../load/http-connection.ts";
import { plainText } from "../sections/plain-text.ts";
import { startGateway } from "../targets/start-gateway.ts";
import type { Rig, Target } from "../targets/target.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const PRICES = fileURLToPath(new URL("../../config/prices.json", import.meta.url));
const WATCH = new URL("../rig/watch-event-loop.ts", import.meta.url).href;
const HEADERS = { authorization: "Bearer bench", "x-session-id": "long", "x-history-strategy": "semantic" };
const QUESTION = "What did I say of the harbour at Trieste?";
const FACT = "The harbour at Trieste froze over when my grandmother was a girl.";
const SETTLING_MS = 200;
const TRIES = 3;

export interface RebuildTimes {
  /** From the question to its answer, by a gateway that has just started. */
  readonly answerMs: number;
  /** The longest that its event loop was held meanwhile, by the clock. */
  readonly heldMs: number;
  /** The same in processor time. */
  readonly heldCpuMs: number;
}

/** Fills a session, starts the gateway anew several times, and asks what only an index over the whole session finds. */
export async function rebuildIndex(
  rig: Rig,
  { turns, characters }: { turns: number; characters: number },
): Promise<RebuildTimes[]> {
  const open = gatewayIn(rig, mkdtempSync(join(rig.folder, "rebuild-")));
  const first = await open();
  await fill(first, turns, characters);
  await first.process?.stop();
  const tries: RebuildTimes[] = [];
  for (let tried = 0; tried < TRIES; tried += 1) tries.push(await askAnew(await open()));
  return tries;
}

async function askAnew(target: Target): Promise<RebuildTimes> {
  // What it does once in its life holds the loop as well; this counts from here on.
  await ask(target, "Good morning.");
  await signal(target);
  const askedAt = performance.now();
  await ask(target, QUESTION);
  const answerMs = performance.now() - askedAt;
  await signal(target);
  const [, heldMs, heldCpuMs] = /held for ([\d.]+) ms, ([\d.]+) ms/.exec(target.process?.lastWords() ?? "") ?? [];
  await target.process?.stop();
  return { answerMs, heldMs: Number(heldMs), heldCpuMs: Number(heldCpuMs) };
}

function gatewayIn(rig: Rig, cwd: string): () => Promise<Target> {
  const masterKey = `bench:${randomBytes(32).toString("base64")}`;
  return () =>
    startGateway(rig, {
      name: "SQLite",
      command: () => [process.execPath, "--import", WATCH, MAIN, "start"],
      env: (port) => ({
        STATEGATE_PORT: String(port),
        STATEGATE_UPSTREAM_URL: `http://127.0.0.1:${rig.upstreamPort}/v1`,
        STATEGATE_STORE: "sqlite:./stategate.db",
        STATEGATE_MASTER_KEYS: masterKey,
        STATEGATE_PRICES__FILE: PRICES,
      }),
      cwd,
      healthPath: "/healthz",
      headers: {},
      hasMemory: true,
    });
}

async function fill(target: Target, turns: number, characters: number): Promise<void> {
  await ask(target, FACT);
  for (let turn = 1; turn < turns; turn += 1) await ask(target, plainText(characters, turn));
}

async function ask({ port }: Target, content: string): Promise<void> {
  const connection = await openConnection(port);
  const { status } = await connection.send(chatRequest(HEADERS, [{ role: "user", content: `${content} [[len:20]]` }]));
  connection.close();
  if (status !== 200) throw new Error(`a turn was answered with ${status}`);
}

/** Begins to watch its event loop, or ends it and has it print. */
async function signal({ process: gateway }: Target): Promise<void> {
  // What goes on after an answer counts as well.
  await pause(SETTLING_MS);
  if (gateway) process.kill(gateway.pid, "SIGUSR2");
  await pause(SETTLING_MS);
}
