import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import type { GatewayConfig } from "../config/gateway-config.ts";
import { historyKnobs } from "../config/history-knobs.ts";
import { readPriceDocument } from "../config/price-document.ts";
import { type StrategyName, strategyNames } from "../history/history-strategy.ts";
import type { ChatRequest } from "../protocol/chat-request.ts";
import { createLog } from "../telemetry/create-log.ts";
import { createPriceList } from "../tokens/create-price-list.ts";
import { openTokenCounters } from "../tokens/open-token-counters.ts";
import { cappedKnobs } from "../turn/economics.ts";
import { readExchanges } from "../turn/read-exchanges.ts";
import { type Command, type CommandContext, CommandError } from "./command.ts";
import { estimateStrategies } from "./estimate-strategies.ts";
import { estimateDocument, estimateTable } from "./estimate-table.ts";
import { joinValues } from "./join-values.ts";
import { type Pace, paceOf } from "./pace.ts";
import { readConversations } from "./read-conversations.ts";

const options = {
  model: { type: "string" },
  strategy: { type: "string", multiple: true },
  "gap-seconds": { type: "string" },
  json: { type: "boolean" },
} as const;

/**
 * Plays somebody's own conversations offline through every strategy, as configured here. Neither store, network nor key
 * is touched, and nothing is written.
 */
export const estimate: Command = async (context) => {
  const { values, positionals } = parseArgs({
    args: joinValues(context.args, options),
    options,
    allowPositionals: true,
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new CommandError("name one file of conversations, or - for input");
  const { model } = values;
  if (model === undefined || model === "") throw new CommandError("--model says whose prices and tokens count");
  const strategies = parseStrategies(values.strategy);
  const config = context.readConfig();
  const pace = paceOf(values["gap-seconds"], config.upstream.promptCache.ttlSeconds);
  const chats = readConversations(await readText(file, context), file === "-" ? "standard input" : file);
  const result = await estimateChats(chats, { config, model, strategies, pace });
  context.stdout.write(values.json ? `${JSON.stringify(estimateDocument(result))}\n` : estimateTable(result));
};

function parseStrategies(given: readonly string[] | undefined): readonly StrategyName[] {
  const wrong = given?.find((name) => !strategyNames.some((known) => known === name));
  if (wrong !== undefined) throw new CommandError(`--strategy is one of ${strategyNames.join(", ")}`);
  return strategyNames.filter((name) => given?.includes(name) ?? true);
}

async function readText(file: string, { readInput }: CommandContext): Promise<string> {
  if (file === "-") return readInput();
  return readFile(file, "utf8").catch((cause: unknown) => {
    throw new CommandError(`${file} cannot be read`, { cause });
  });
}

interface EstimateParts {
  readonly config: GatewayConfig;
  readonly model: string;
  readonly strategies: readonly StrategyName[];
  readonly pace: Pace;
}

async function estimateChats(chats: readonly ChatRequest[], { config, model, strategies, pace }: EstimateParts) {
  const { history, upstream, keys, log, prices: priceFile } = config;
  const cacheDirectory = join(dirname(keys.developmentKeyFile), "cache");
  const counters = openTokenCounters({ cacheDirectory, readOnly: true, log: createLog(log.level) });
  const prices = createPriceList(await readPriceDocument(priceFile.file));
  await counters.ready;
  const counter = counters.forModel(model);
  const price = prices.priceOf(model);
  const parts = {
    strategies,
    knobs: cappedKnobs(historyKnobs({ ...history, mode: "manage" }), { fields: {}, price }),
    recallTokens: history.recall.maxTokens,
    model,
    summaryModel: history.summary.model ?? model,
    counter,
    prices,
    promptCache: upstream.promptCache,
  };
  const playAt = async (askedAt: Pace["asked"]) => {
    const conversations = chats.map((chat) => readExchanges(chat, { counter, askedAt }));
    return { conversations, estimates: await estimateStrategies(conversations, parts) };
  };
  const { conversations, estimates } = await playAt(pace.asked);
  if (conversations.every(({ exchanges }) => exchanges.length === 0)) {
    throw new CommandError("no model was asked anything in there");
  }
  return {
    ...parts,
    price,
    pace,
    conversations,
    estimates,
    cold: (await playAt(pace.cold)).estimates,
    exact: counters.exact,
  };
}

export type EstimateResult = Awaited<ReturnType<typeof estimateChats>>;
