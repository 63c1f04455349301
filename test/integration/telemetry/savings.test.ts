import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { afterEach, describe, expect, it } from "vitest";

import {
  type LoggedRequest,
  type SimulatedUpstream,
  startSimulatedUpstream,
} from "../../../src/demo/simulated-upstream.ts";
import { type StrategyName, strategyNames } from "../../../src/history/history-strategy.ts";
import { type OtlpCollector, startOtlpCollector } from "../../support/otlp-collector.ts";
import { countTokens, startTestGateway, type TestGateway } from "../../support/test-gateway.ts";

// Some models as config/prices.json has them, written again: the test must not price with the code's own table.
const PRICES = {
  "gpt-4o": { input: 2.5, cached: 1.25, output: 10 },
  "gpt-5": { input: 1.25, cached: 0.125, output: 10 },
  "gpt-4-turbo": { input: 10, cached: 10, output: 30 },
} as const;
type Model = keyof typeof PRICES;

const system: ChatCompletionMessageParam = { role: "system", content: "Answer with care. ".repeat(40) };
const topics = ["tides", "bridges", "copper", "orchards", "sails", "lenses"];
const say = (turn: number): string =>
  `Question ${turn} about ${topics[turn % 6]}: ${`what was measured on day ${turn * 3} and by whom, `.repeat(8)}please. [[len:120]]`;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((part) => part.close()));
});

interface Bill {
  readonly tokens: number;
  readonly usd: number;
}

function billOf(log: readonly LoggedRequest[], model: Model, withOutput = false): Bill {
  const { input, cached, output } = PRICES[model];
  return log.reduce<Bill>(
    (bill, entry) => ({
      tokens: bill.tokens + entry.promptTokens + (withOutput ? entry.completionTokens : 0),
      usd:
        bill.usd +
        ((entry.promptTokens - entry.cachedTokens) * input +
          entry.cachedTokens * cached +
          (withOutput ? entry.completionTokens * output : 0)) /
          1e6,
    }),
    { tokens: 0, usd: 0 },
  );
}

/** A provider that bills no cached token, whatever its price list says. */
const NEVER_CACHED = { ttlMs: -1 };

async function startUpstream({ cached }: { cached: boolean }): Promise<SimulatedUpstream> {
  const upstream = await startSimulatedUpstream({
    countTokens: await countTokens(),
    ...(!cached && { promptCache: NEVER_CACHED }),
  });
  open.push(upstream);
  return upstream;
}

/** The same conversation replayed in full, straight to an upstream of its own. */
async function billOfFullReplay({ model, turns, cached = true }: Chat): Promise<Bill> {
  const upstream = await startUpstream({ cached });
  const messages: ChatCompletionMessageParam[] = [system];
  for (let turn = 0; turn < turns; turn += 1) {
    messages.push({ role: "user", content: say(turn) });
    const response = await fetch(`${upstream.url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, messages }),
    });
    const { choices } = (await response.json()) as { choices: { message: ChatCompletionMessageParam }[] };
    messages.push({ role: "assistant", content: choices[0]?.message.content as string });
  }
  return billOf(upstream.log, model);
}

interface Chat {
  readonly model: Model;
  readonly turns: number;
  readonly cached?: boolean;
  /** The strategy of each turn, over and over. */
  readonly strategies?: readonly StrategyName[];
}

async function playThrough(gateway: TestGateway, { model, turns, strategies = [] }: Chat): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    const strategy = strategies[Math.floor(turn / 4) % strategies.length];
    await gateway
      .client()
      .chat.completions.create(
        { model, messages: [system, { role: "user", content: say(turn) }], stream: turn % 2 === 1 },
        { headers: { "X-Session-Id": "measured", ...(strategy && { "X-History-Strategy": strategy }) } },
      )
      .then(async (answer) => {
        if (Symbol.asyncIterator in answer) for await (const _chunk of answer);
      });
  }
}

async function startMeasured(
  env: Record<string, string>,
  cached: boolean,
): Promise<{ gateway: TestGateway; collector: OtlpCollector }> {
  const collector = await startOtlpCollector();
  const upstream = await startUpstream({ cached });
  const gateway = await startTestGateway({ env, otlp: collector.url, upstream });
  open.push(gateway, collector);
  return { gateway, collector };
}

const isSummary = ({ body }: LoggedRequest): boolean =>
  /summar/i.test(JSON.stringify((body as { messages: unknown[] }).messages[0]));

function prometheusSum(text: string, name: string): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

const within1Percent = (value: number, truth: number, scale: number): void => {
  expect(Math.abs(value - truth), `${value} against ${truth}`).toBeLessThanOrEqual(Math.abs(scale) * 0.01);
};

const window = (turns: string, more: Record<string, string> = {}): Record<string, string> => ({
  STATEGATE_HISTORY__STRATEGY: "window",
  STATEGATE_HISTORY__WINDOW__TURNS: turns,
  ...more,
});
const exactWindow = window("6", { STATEGATE_HISTORY__EXACT: "true" });

interface Case extends Chat {
  readonly name: string;
  /** Of what was saved; `undefined` where it is next to nothing. */
  readonly sign: 1 | -1 | 0 | undefined;
  readonly env: Record<string, string>;
}

const cases: readonly Case[] = [
  { name: "a long chat that saves", model: "gpt-4o", turns: 48, sign: 1, env: {} },
  {
    name: "a sliding window that loses against a cached replay",
    model: "gpt-5",
    turns: 16,
    sign: -1,
    env: exactWindow,
  },
  { name: "a short chat, of which nothing can be saved", model: "gpt-5", turns: 3, sign: 0, env: {} },
  { name: "full", model: "gpt-5", turns: 12, sign: 0, env: { STATEGATE_HISTORY__STRATEGY: "full" } },
  { name: "a window on a model without a discount", model: "gpt-4-turbo", turns: 16, sign: 1, env: window("6") },
  {
    name: "a summary on a model without a discount",
    model: "gpt-4-turbo",
    turns: 24,
    sign: undefined,
    env: {
      STATEGATE_HISTORY__STRATEGY: "summary",
      STATEGATE_HISTORY__FLOOR_TOKENS: "0",
      STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
    },
  },
  {
    name: "a window whose provider caches nothing, against what it lists",
    model: "gpt-5",
    turns: 24,
    cached: false,
    sign: 1,
    env: window("6"),
  },
  {
    name: "an exact window whose provider caches nothing",
    model: "gpt-5",
    turns: 24,
    cached: false,
    sign: 1,
    env: exactWindow,
  },
  {
    name: "semantic",
    model: "gpt-5",
    turns: 28,
    sign: undefined,
    env: {
      STATEGATE_HISTORY__STRATEGY: "semantic",
      STATEGATE_HISTORY__FLOOR_TOKENS: "0",
      STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "2",
    },
  },
  {
    name: "a strategy that changes every four turns",
    model: "gpt-4o",
    turns: 28,
    sign: undefined,
    strategies: strategyNames,
    env: {
      STATEGATE_HISTORY__FLOOR_TOKENS: "500",
      STATEGATE_HISTORY__WINDOW__TURNS: "4",
      STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "60",
    },
  },
];

describe("reported savings equal the provider's bill", () => {
  it.each(cases)("$name", async ({ sign, env, ...chat }) => {
    const { model } = chat;
    const { gateway, collector } = await startMeasured(env, chat.cached ?? true);
    await playThrough(gateway, chat);
    await gateway.flush();
    const log = gateway.upstream.log.filter(({ path }) => path === "/v1/chat/completions");
    const sent = billOf(
      log.filter((entry) => !isSummary(entry)),
      model,
    );
    const overhead = billOf(log.filter(isSummary), model, true);
    const baseline = await billOfFullReplay(chat);
    const truth = {
      "stategate.tokens.baseline": baseline.tokens,
      "stategate.tokens.sent": sent.tokens,
      "stategate.tokens.overhead": overhead.tokens,
      "stategate.tokens.saved": baseline.tokens - sent.tokens - overhead.tokens,
      "stategate.cost.baseline": baseline.usd,
      "stategate.cost.sent": sent.usd,
      "stategate.cost.overhead": overhead.usd,
      "stategate.cost.saved": baseline.usd - sent.usd - overhead.usd,
    };
    if (sign !== undefined) expect(Math.sign(truth["stategate.cost.saved"])).toBe(sign);

    const otlp = collector.sums();
    const prometheus = await gateway.metrics();
    expect(prometheus).toMatch(/stategate_stage="plan"/);
    for (const [name, value] of Object.entries(truth)) {
      const scale = name.startsWith("stategate.tokens") ? baseline.tokens : baseline.usd;
      within1Percent(otlp.get(name) ?? 0, value, scale);
      const flat = name.replaceAll(".", "_");
      const suffix = name.endsWith("saved") ? "" : "_total";
      within1Percent(prometheusSum(prometheus, `${flat}${suffix}`), value, scale);
    }
  });
});
