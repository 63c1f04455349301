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
  /** The longest that its event loop was held meanwhile, of each try. */
  readonly heldMs: readonly number[];
}

/** Fills a session, starts the gateway anew, and asks what only an index over the whole session finds. */
export async function rebuildIndex(
  rig: Rig,
  { turns, characters }: { turns: number; characters: number },
): Promise<RebuildTimes> {
  const open = gatewayIn(rig, mkdtempSync(join(rig.folder, "rebuild-")));
  const first = await open();
  await fill(first, turns, characters);
  await first.process?.stop();
  const tries: { readonly answerMs: number; readonly heldMs: number }[] = [];
  for (let tried = 0; tried < TRIES; tried += 1) tries.push(await askAnew(await open()));
  return { answerMs: Math.min(...tries.map(({ answerMs }) => answerMs)), heldMs: tries.map((one) => one.heldMs) };
}

async function askAnew(target: Target): Promise<{ readonly answerMs: number; readonly heldMs: number }> {
  // Starting up holds the loop as well; this counts from here on.
  await ask(target, "Good morning.");
  await heldMs(target);
  const askedAt = performance.now();
  await ask(target, QUESTION);
  const answerMs = performance.now() - askedAt;
  const held = await heldMs(target);
  await target.process?.stop();
  return { answerMs, heldMs: held };
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

/** Since it was asked last. */
async function heldMs({ process: gateway }: Target): Promise<number> {
  // What goes on after an answer counts as well.
  await pause(SETTLING_MS);
  if (gateway) process.kill(gateway.pid, "SIGUSR2");
  await pause(SETTLING_MS);
  return Number(/held for ([\d.]+) ms\s*$/.exec(gateway?.lastWords() ?? "")?.[1] ?? Number.NaN);
}
