import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import OpenAI from "openai";

import { readPriceDocument } from "../config/price-document.ts";
import { inputCost } from "../tokens/cost.ts";
import { createPriceList } from "../tokens/create-price-list.ts";
import { openTokenCounters } from "../tokens/open-token-counters.ts";
import type { ModelPrice } from "../tokens/price-list.ts";
import { demoConversation, plantedEmail } from "./demo-conversation.ts";
import { type DemoMode, DemoPlayer, type PlayedRequest } from "./demo-player.ts";
import { type DemoRow, demoTable, type TokenBill } from "./demo-table.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.ts";
import { type LoggedRequest, type SimulatedUpstream, startSimulatedUpstream } from "./simulated-upstream.ts";

const MODEL = "gpt-4.1";
const TURNS = 40;
const PRICES = new URL("../../config/prices.json", import.meta.url);

interface Stage {
  readonly folder: string;
  readonly price: ModelPrice;
  readonly countTokens: (text: string) => number;
  readonly write: (text: string) => void;
}

/** Shows the main job to somebody who has neither a key nor a network: forty turns, twice, with a kill in the middle. */
export async function runDemo(): Promise<void> {
  const write = (text: string): void => void process.stdout.write(text);
  const folder = mkdtempSync(join(tmpdir(), "stategate-demo-"));
  try {
    write("Preparing token counts and a simulated upstream ...\n");
    const stage = await prepare(folder, write);
    const rows: DemoRow[] = [];
    for (const mode of ["delta", "replay"] as const) rows.push(await playMode(stage, mode));
    searchDatabase(stage);
    write(demoTable(rows, MODEL));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, write: Stage["write"]): Promise<Stage> {
  const counters = openTokenCounters({ cacheDirectory: join(folder, "cache"), log: console });
  await counters.ready;
  const price = createPriceList(await readPriceDocument(PRICES.pathname)).priceOf(MODEL);
  if (!price) throw new Error(`no price for ${MODEL}`);
  return { folder, price, write, countTokens: (text) => counters.forModel(MODEL).countText(text) };
}

async function playMode(stage: Stage, mode: DemoMode): Promise<DemoRow> {
  const { countTokens, write } = stage;
  const turns = demoConversation(TURNS);
  // The same conversation straight to a second upstream: what it costs, and how long it takes, without a gateway.
  const [behind, direct] = await Promise.all([
    startSimulatedUpstream({ countTokens }),
    startSimulatedUpstream({ countTokens }),
  ]);
  for (const upstream of [behind, direct]) for (const { user, reply } of turns) upstream.script(user, reply);
  let gateway = await startGateway(stage, behind);
  const player = new DemoPlayer(clientOf(gateway.url), { model: MODEL, mode, sessionId: `demo-${mode}` });
  const lone = new DemoPlayer(clientOf(direct.url), { model: MODEL, mode: "replay", sessionId: undefined });
  const added: number[] = [];
  try {
    for (const [index, turn] of turns.entries()) {
      if (index === TURNS / 2) {
        await gateway.kill();
        gateway = await startGateway(stage, behind);
        player.client = clientOf(gateway.url);
        write("  killed the gateway with -9 and started it again; the conversation goes on\n");
      }
      const through = await player.play(turn);
      const straight = await lone.play(turn);
      through.forEach((request, place) => added.push(request.milliseconds - (straight[place]?.milliseconds ?? 0)));
      if (index % 4 === 3 || index === 0) write(progressLine(mode, index, through));
    }
    await gateway.stop();
    return row({ mode, stage, behind, direct, added });
  } finally {
    await gateway.stop();
    await Promise.all([behind.close(), direct.close()]);
  }
}

const startGateway = ({ folder }: Stage, upstream: SimulatedUpstream): Promise<GatewayProcess> =>
  startGatewayProcess({
    STATEGATE_PORT: "0",
    STATEGATE_UPSTREAM_URL: upstream.url,
    STATEGATE_STORE: `sqlite:${join(folder, "stategate.db")}`,
    STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: join(folder, "development.key"),
    STATEGATE_PRICES__FILE: PRICES.pathname,
    STATEGATE_LOG__LEVEL: "error",
  });

const clientOf = (baseURL: string): OpenAI => new OpenAI({ baseURL, apiKey: "sk-demo", maxRetries: 0 });

function progressLine(mode: DemoMode, index: number, requests: readonly PlayedRequest[]): string {
  const headers = requests.at(-1)?.headers;
  const saved = Number(headers?.get("x-tokens-saved") ?? 0).toLocaleString("en-US");
  const [sent, stored] = (headers?.get("x-history-messages") ?? "0/0").split("/");
  return `  ${mode} turn ${String(index + 1).padStart(2)} of ${TURNS}: ${stored} messages stored, ${sent} sent, ${saved} tokens saved on this turn\n`;
}

interface RowParts {
  readonly mode: DemoMode;
  readonly stage: Stage;
  readonly behind: SimulatedUpstream;
  readonly direct: SimulatedUpstream;
  readonly added: readonly number[];
}

function row({ mode, stage, behind, direct, added }: RowParts): DemoRow {
  const own = behind.log.filter(isSummary);
  const chat = behind.log.filter((entry) => !isSummary(entry));
  return {
    mode,
    turns: TURNS,
    replay: billOf(direct.log, stage.price),
    sent: billOf(chat, stage.price),
    overhead: billOf(own, stage.price, true),
    addedMs: added.toSorted((one, other) => one - other)[Math.floor(added.length / 2)] ?? 0,
  };
}

/** The gateway's own requests carry no tools: only the conversation does. */
function isSummary({ body }: LoggedRequest): boolean {
  return typeof body === "object" && body !== null && !("tools" in body);
}

function billOf(log: readonly LoggedRequest[], price: ModelPrice, withOutput = false): TokenBill {
  const tokens = sum(log, ({ promptTokens }) => promptTokens);
  const cached = sum(log, ({ cachedTokens }) => cachedTokens);
  const output = withOutput ? sum(log, ({ completionTokens }) => completionTokens) : 0;
  return { tokens: tokens + output, usd: inputCost(price, { tokens, cached, written: 0 }) + output * price.output };
}

const sum = (log: readonly LoggedRequest[], of: (entry: LoggedRequest) => number): number =>
  log.reduce((total, entry) => total + of(entry), 0);

/** An auditor's first look: is what the user said readable in the files? */
function searchDatabase({ folder, write }: Stage): void {
  const files = readdirSync(folder).filter((name) => name.startsWith("stategate.db"));
  const bytes = files.reduce((total, name) => total + readFileSync(join(folder, name)).length, 0);
  const hits = files.filter((name) => readFileSync(join(folder, name)).includes(plantedEmail)).length;
  write(
    `  searched ${files.length} database files (${bytes.toLocaleString("en-US")} bytes) for ${plantedEmail}: ${hits === 0 ? "not found" : `FOUND in ${hits}`}\n`,
  );
  if (hits > 0) process.exitCode = 1;
}
