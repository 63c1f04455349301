import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { afterEach, describe, expect, it } from "vitest";

import {
  type LoggedRequest,
  type SimulatedUpstream,
  startSimulatedUpstream,
} from "../../../src/demo/simulated-upstream.ts";
import { runOperatorCommand } from "../../support/run-operator-command.ts";
import { countTokens, startTestGateway, type TestGateway } from "../../support/test-gateway.ts";

// As config/prices.json has them, written again: the test must not price with the code's own table.
const PRICES = {
  "gpt-4o": { input: 2.5, cached: 1.25, output: 10 },
  "gpt-5": { input: 1.25, cached: 0.125, output: 10 },
} as const;
type Model = keyof typeof PRICES;

const GAP_SECONDS = 60;
const system: ChatCompletionMessageParam = { role: "system", content: "Answer with care. ".repeat(40) };
/** Some ask for what was said long ago. */
const say = (turn: number): string =>
  turn % 6 === 5
    ? `What was the code name of project number ${Math.max(1, turn - 22)}? [[len:40]]`
    : `${turn % 6 === 1 ? `The code name of project number ${turn} is Heron-${turn}. ` : ""}Question ${turn} about ${["tides", "bridges", "copper"][turn % 3]}: ${`what was measured on day ${turn * 3} and by whom, `.repeat(8)}please. [[len:${60 + turn * 2}]]`;

interface World {
  readonly gateway: TestGateway;
  readonly upstream: SimulatedUpstream;
  pass(): void;
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((part) => part.close()));
});

/** Gateway and provider by the same hand-moved clock. */
async function openWorld(env: Readonly<Record<string, string>>): Promise<World> {
  let now = 1_800_000_000_000;
  const upstream = await startSimulatedUpstream({ countTokens: await countTokens(), now: () => now });
  const gateway = await startTestGateway({ env, upstream, clock: () => now });
  open.push(gateway, upstream);
  return { gateway, upstream, pass: () => (now += GAP_SECONDS * 1000) };
}

/** The conversation as its client holds it in the end. */
async function talk(world: World, model: Model, turns: number): Promise<ChatCompletionMessageParam[]> {
  const messages: ChatCompletionMessageParam[] = [system];
  for (let turn = 0; turn < turns; turn += 1) {
    messages.push({ role: "user", content: say(turn) });
    const answer = await world.gateway
      .client()
      .chat.completions.create({ model, messages }, { headers: { "X-Session-Id": "estimated" } });
    messages.push({ role: "assistant", content: answer.choices[0]?.message.content ?? "" });
    await world.gateway.flush();
    world.pass();
  }
  return messages;
}

const isSummary = ({ body }: LoggedRequest): boolean =>
  /summar/i.test(JSON.stringify((body as { messages: unknown[] }).messages[0]));

function billOf(log: readonly LoggedRequest[], model: Model, withOutput: boolean) {
  const { input, cached, output } = PRICES[model];
  const bill = { tokens: 0, cachedTokens: 0, usd: 0 };
  for (const { promptTokens, cachedTokens, completionTokens } of log) {
    bill.tokens += promptTokens + (withOutput ? completionTokens : 0);
    bill.cachedTokens += cachedTokens;
    bill.usd += ((promptTokens - cachedTokens) * input + cachedTokens * cached) / 1e6;
    if (withOutput) bill.usd += (completionTokens * output) / 1e6;
  }
  return bill;
}

interface Shown {
  readonly strategy: string;
  readonly turns: number;
  readonly compactions: number;
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly input_usd: number;
  readonly overhead_tokens: number;
  readonly overhead_usd: number;
  readonly full_replay_usd: number;
  readonly saved_usd: number;
}

const within1Percent = (value: number, truth: number, scale = truth): void => {
  expect(Math.abs(value - truth), `${value} against ${truth}`).toBeLessThanOrEqual(Math.abs(scale) * 0.01);
};

const hybrid = { STATEGATE_HISTORY__STRATEGY: "hybrid" };
const slidingWindow = {
  STATEGATE_HISTORY__STRATEGY: "window",
  STATEGATE_HISTORY__EXACT: "true",
  STATEGATE_HISTORY__WINDOW__TURNS: "6",
};

describe("stategate estimate equals the bill of a gateway that serves the same conversation", () => {
  it.each([
    { name: "full", model: "gpt-5", turns: 12, sign: 0, env: { STATEGATE_HISTORY__STRATEGY: "full" } },
    {
      name: "a window that saves",
      model: "gpt-4o",
      turns: 36,
      sign: 1,
      env: { STATEGATE_HISTORY__STRATEGY: "window" },
    },
    {
      name: "hybrid with extracts, saving",
      model: "gpt-4o",
      turns: 36,
      sign: 1,
      env: { ...hybrid, STATEGATE_HISTORY__SUMMARY__MODE: "extractive" },
    },
    {
      name: "summary with extracts, saving",
      model: "gpt-4o",
      turns: 24,
      sign: 1,
      env: { STATEGATE_HISTORY__STRATEGY: "summary", STATEGATE_HISTORY__SUMMARY__MODE: "extractive" },
    },
    {
      name: "semantic, recalling",
      model: "gpt-4o",
      turns: 36,
      sign: 1,
      env: { STATEGATE_HISTORY__STRATEGY: "semantic" },
    },
    { name: "hybrid with a model's summaries, saving", model: "gpt-4o", turns: 44, sign: 1, env: hybrid },
    { name: "a sliding window that loses", model: "gpt-5", turns: 16, sign: -1, env: slidingWindow },
  ] as const)("$name", async ({ model, turns, sign, env }) => {
    const world = await openWorld(env);
    // As long as an extract may be: the length of a model's summary is the one thing an estimate cannot know.
    world.upstream.steerSummaries("[[len:245]]");
    const messages = await talk(world, model, turns);
    const { folder, turns: reports } = world.gateway;
    const file = join(folder, "chat.json");
    writeFileSync(file, JSON.stringify({ messages }));

    const args = ["estimate", file, "--model", model, "--json", "--strategy", env.STATEGATE_HISTORY__STRATEGY];
    const { code, stdout, stderr } = await runOperatorCommand(args, { folder, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [shown] = (JSON.parse(stdout) as { strategies: Shown[] }).strategies;
    if (!shown) throw new Error("nothing was estimated");

    const sent = billOf(
      world.upstream.log.filter((entry) => !isSummary(entry)),
      model,
      false,
    );
    const overhead = billOf(world.upstream.log.filter(isSummary), model, true);
    expect(shown.turns).toBe(turns);
    const recalls = /stategate_recall_total\{[^}]*recalled[^}]*\} (\d+)/.exec(await world.gateway.metrics())?.[1];
    expect(Number(recalls ?? 0) > 0).toBe(["semantic", "hybrid"].includes(shown.strategy));
    within1Percent(shown.prompt_tokens, sent.tokens);
    within1Percent(shown.cached_tokens, sent.cachedTokens, sent.tokens);
    within1Percent(shown.input_usd, sent.usd);
    within1Percent(shown.overhead_tokens, overhead.tokens, sent.tokens);
    within1Percent(shown.overhead_usd, overhead.usd, shown.full_replay_usd);
    const reported = reports.at(-1)?.totalSavedUsd ?? Number.NaN;
    within1Percent(shown.saved_usd, reported, shown.full_replay_usd);
    expect(Math.sign(Math.round(shown.saved_usd * 1e6))).toBe(sign);
    expect(Math.sign(Math.round(reported * 1e6))).toBe(sign);
    process.stdout.write(
      `estimate ${env.STATEGATE_HISTORY__STRATEGY} ${model}: ${shown.prompt_tokens} tokens for ${sent.tokens}, $${shown.input_usd.toFixed(5)} for $${sent.usd.toFixed(5)}, own calls $${shown.overhead_usd.toFixed(5)} for $${overhead.usd.toFixed(5)}, saved $${shown.saved_usd.toFixed(5)} for $${reported.toFixed(5)}\n`,
    );
  });
});
