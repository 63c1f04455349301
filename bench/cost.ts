/** `npm run bench:cost`: what conversations are billed under different policies, provider by provider. See `--help`. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { openTokenCounters } from "../src/tokens/open-token-counters.ts";
import type { TokenCounter } from "../src/tokens/token-counter.ts";
import { comparePolicies, type Suite } from "./cost/compare-policies.ts";
import { measureFrontier } from "./cost/measure-frontier.ts";
import { policies } from "./cost/play-policies.ts";
import { priceProfiles } from "./cost/price-profiles.ts";
import { recordedStream } from "./cost/recorded-streams.ts";
import { renderCosts } from "./cost/render-costs.ts";
import { renderFrontier } from "./cost/render-frontier.ts";
import {
  ANSWER_TOKENS,
  COLD_SHARE,
  countCharacters,
  SIGMA,
  syntheticSessions,
  SYSTEM_TOKENS,
  USER_TOKENS,
} from "./cost/synthetic-sessions.ts";
import { readConversations } from "./recall/conversations.ts";

const USAGE = `npm run bench:cost -- [options]

  --sessions N   synthetic sessions (40)
  --turns N      of each (100)
  --seed N       of the first (1)
  --floor N      tokens of recent history that every policy always holds (6000)
  --data FILE    conversations of a file in LoCoMo's shape instead
  --chart FILE   with --data: dollars against evidence recall, as a table and as an SVG
`;

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "40" },
    turns: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    floor: { type: "string", default: "6000" },
    data: { type: "string" },
    chart: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else if (values.chart !== undefined) await chart(values.data, values.chart);
else report(values.data === undefined ? synthetic() : await recorded(values.data));

interface NamedSuite extends Suite {
  readonly conditions: string;
}

function synthetic(): NamedSuite {
  const [sessions, turns, seed] = [wholeNumber("sessions"), wholeNumber("turns"), wholeNumber("seed")];
  return {
    conversations: syntheticSessions({ sessions, turns, seed }),
    floorTokens: wholeNumber("floor"),
    countText: countCharacters,
    conditions:
      `${sessions} synthetic sessions of ${turns} turns (seed ${seed}): lognormal questions and answers of ` +
      `${USER_TOKENS} and ${ANSWER_TOKENS} tokens in the mean (σ ${SIGMA}), ${SYSTEM_TOKENS} tokens in front, ` +
      `${COLD_SHARE * 100} % of the turns after the cache's life.`,
  };
}

/** Only what a provider of today charges and a reader may compare: one price, the one of the project's goals. */
async function chart(data: string | undefined, target: string): Promise<void> {
  const profile = priceProfiles.find(({ name }) => name === "gpt-5");
  if (data === undefined || !profile) return misuse("--chart needs --data");
  const points = await measureFrontier(data, { counter: await exactCounter(), profile });
  const rows = points.map(
    ({ name, usd, recall }) => `| ${name} | ${usd.toFixed(4)} | ${(100 * recall).toFixed(1)} % |`,
  );
  process.stdout.write(`| way | USD a conversation | evidence recall |\n| --- | --: | --: |\n${rows.join("\n")}\n`);
  writeFileSync(target, renderFrontier(points, "Dollars against evidence recall, gpt-5 prices"));
}

async function exactCounter(): Promise<TokenCounter> {
  const counters = openTokenCounters({
    cacheDirectory: "node_modules/.cache/stategate-bench",
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  await counters.ready;
  return counters.forModel("gpt-5");
}

async function recorded(path: string): Promise<NamedSuite> {
  const counter = await exactCounter();
  const conversations = readConversations(path).map((said) => recordedStream(said, { counter, showNames: true }));
  const requests = conversations.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
  return {
    conversations,
    floorTokens: wholeNumber("floor"),
    countText: (text) => counter.countText(text),
    conditions:
      `${conversations.length} recorded conversations, ${requests} requests, ${SYSTEM_TOKENS} tokens in front; the ` +
      `cache is cold at the first request of each sitting.`,
  };
}

function report(suite: NamedSuite): void {
  const { conversations, floorTokens, conditions } = suite;
  process.stdout.write(
    `${conditions} Every policy always holds the newest ${floorTokens} tokens; sliding is not charged for cache ` +
      `writes. USD by conversation.\n`,
  );
  const names = policies.map(({ name }) => name);
  for (const profile of priceProfiles) {
    const bills = comparePolicies(suite, profile, names);
    process.stdout.write(`\n${renderCosts(profile, bills, conversations.length)}\n`);
  }
}

function wholeNumber(flag: "sessions" | "turns" | "seed" | "floor"): number {
  const value = Number(values[flag]);
  if (Number.isInteger(value) && value > 0) return value;
  return misuse(`--${flag} must be a whole number above 0`);
}

function misuse(what: string): never {
  process.stderr.write(`${what}\n\n${USAGE}`);
  process.exit(2);
}
