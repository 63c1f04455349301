import { describe, expect, it } from "vitest";

import { clairvoyantCuts } from "../../../bench/cost/clairvoyant.ts";
import { comparePolicies } from "../../../bench/cost/compare-policies.ts";
import { schedule } from "../../../bench/cost/fixed-strategies.ts";
import { knobsOf, playPolicy, type PolicyName } from "../../../bench/cost/play-policies.ts";
import { type PriceProfile, priceProfiles } from "../../../bench/cost/price-profiles.ts";
import { recordedStream } from "../../../bench/cost/recorded-streams.ts";
import { countCharacters, syntheticSessions } from "../../../bench/cost/synthetic-sessions.ts";
import { exchangesOf, type Sitting } from "../../../bench/recall/conversations.ts";
import type { HistoryStrategy } from "../../../src/history/history-strategy.ts";
import { strategyFor } from "../../../src/history/strategy-registry.ts";
import { type Conversation, playConversation } from "../../../src/turn/play-conversation.ts";
import { inCiOrProving } from "../../support/prove.ts";

const FLOOR = 6_000;
const profileOf = (name: string): PriceProfile =>
  priceProfiles.find((profile) => profile.name === name) ?? (priceProfiles[0] as PriceProfile);

describe("the ledger on the synthetic suite", () => {
  const sessions = inCiOrProving(12, 200);
  const suite = {
    conversations: syntheticSessions({ sessions, turns: 100, seed: 7 }),
    floorTokens: FLOOR,
    countText: countCharacters,
  };

  it.each([
    { name: "gpt-4o", cheaper: 1.15 },
    { name: "gpt-4.1", cheaper: 1.4 },
    { name: "gpt-5", cheaper: 2 },
    { name: "gpt-5.6-terra", cheaper: 1.9 },
    { name: "Claude Sonnet, writes for five minutes", cheaper: 1.9 },
    { name: "Claude Sonnet, writes for an hour", cheaper: 1.5 },
    { name: "DeepSeek V4 flash", cheaper: 3.5 },
  ])("costs at most 5 % more than a clairvoyant and $cheaper times less than sliding: $name", ({ name, cheaper }) => {
    const bills = comparePolicies(suite, profileOf(name), ["sliding", "ledger", "clairvoyant"]);
    const usd = (policy: PolicyName): number => bills.get(policy)?.inputUsd ?? Number.NaN;
    const [overClairvoyant, belowSliding] = [usd("ledger") / usd("clairvoyant"), usd("sliding") / usd("ledger")];
    process.stdout.write(
      `${name}, ${sessions} sessions: ledger ${overClairvoyant.toFixed(3)} × clairvoyant, sliding ${belowSliding.toFixed(2)} × ledger\n`,
    );
    expect(overClairvoyant).toBeLessThanOrEqual(1.05);
    expect(overClairvoyant).toBeGreaterThanOrEqual(1);
    expect(belowSliding).toBeGreaterThanOrEqual(cheaper);
  });

  it("asks for no less than the policies it is compared with: the floor is always held", () => {
    const [conversation] = suite.conversations as [Conversation];
    for (const { selection, figures } of play(conversation, profileOf("gpt-5"), strategyFor("summary"))) {
      const held = selection.history.reduce((sum, { tokens }) => sum + tokens, 0);
      if (selection.epoch.firstTurn > 0) expect(held).toBeGreaterThanOrEqual(FLOOR);
      expect(figures.sentTokens).toBeGreaterThan(0);
    }
  });

  it("charges summaries to whoever has them made", () => {
    const [conversation] = suite.conversations as [Conversation];
    const bill = (name: PolicyName) =>
      playPolicy(name, { ...suite, conversation, profile: profileOf("gpt-5") }).overheadUsd;
    expect(bill("ledger + model's summary")).toBeGreaterThan(0);
    expect([bill("ledger"), bill("ledger + extract"), bill("sliding")]).toEqual([0, 0, 0]);
  });
});

const play = (conversation: Conversation, profile: PriceProfile, strategy: HistoryStrategy) =>
  playConversation(conversation, {
    strategy,
    knobs: knobsOf("off", FLOOR),
    model: profile.name,
    prices: { priceOf: () => profile.price },
    promptCache: profile.promptCache,
    countText: countCharacters,
    summarise: () => undefined,
  });

describe("the clairvoyant", () => {
  const floorTokens = 1_200;
  const inputUsd = (conversation: Conversation, profile: PriceProfile, cuts: ReadonlySet<number>): number =>
    [...play(conversation, profile, schedule(cuts, floorTokens))].reduce(
      (sum, { figures }) => sum + (figures.usd?.sent ?? 0),
      0,
    );

  it("finds what trying every schedule finds", () => {
    const turns = 9;
    const conversations = syntheticSessions({ sessions: 6, turns, seed: 3 });
    for (const profile of [profileOf("gpt-4o"), profileOf("gpt-5"), profileOf("gpt-5.6-terra")]) {
      for (const conversation of conversations) {
        const all = Array.from({ length: 2 ** (turns - 1) }, (_, bits) =>
          inputUsd(
            conversation,
            profile,
            new Set([...Array(turns - 1).keys()].filter((bit) => bits & (1 << bit)).map((bit) => bit + 1)),
          ),
        );
        const found = inputUsd(conversation, profile, clairvoyantCuts(conversation, profile, floorTokens));
        expect(found).toBeCloseTo(Math.min(...all), 10);
      }
    }
  });
});

describe("recorded conversations", () => {
  const sitting = (date: string, ...said: readonly (readonly [number, string])[]): Sitting => ({
    date,
    turns: said.map(([by, text], at) => ({ id: `${date}:${at}`, by, text })),
  });
  const said = {
    id: "one",
    speakers: ["Anna", "Ben"],
    sessions: [
      sitting("1:56 pm on 8 May, 2023", [1, "hi"], [0, "hello"], [0, "and?"], [1, "well"]),
      sitting("9:00 am on 9 May, 2023", [0, "again"]),
    ],
    questions: [],
  };
  const counter = {
    vocabulary: "characters",
    countText: countCharacters,
    countMessage: ({ content }: { content?: unknown }) => String(content).length,
    countInSlices: (what: string | { content?: unknown }) =>
      countCharacters(typeof what === "string" ? what : String(what.content)),
  };

  it("are read as what the first speaker asks and the second answers, whoever begins and however often each speaks", () => {
    const [first, second] = said.sessions.map((one) => exchangesOf(said, one, { showNames: false }));
    expect(first).toEqual([
      { question: "[1:56 pm on 8 May, 2023] (listens)", answer: "hi" },
      { question: "hello\nand?", answer: "well" },
    ]);
    expect(second).toEqual([{ question: "[9:00 am on 9 May, 2023] again", answer: "(nods)" }]);
    const [, named] = exchangesOf(said, said.sessions[0] as Sitting, { showNames: true });
    expect(named).toEqual({ question: "Anna: hello\nAnna: and?", answer: "Ben: well" });
  });

  it("are played with each sitting when it took place", () => {
    const { exchanges } = recordedStream(said, { counter, showNames: false });
    expect(exchanges.map(({ incoming, answer }) => [incoming[0]?.role, answer?.tokens])).toEqual([
      ["user", 2],
      ["user", 4],
      ["user", 6],
    ]);
    const times = exchanges.map(({ at }) => at);
    expect(times[0]).toBe(Date.UTC(2023, 4, 8, 13, 56));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeLessThan(300_000);
    expect(times[2]).toBe(Date.UTC(2023, 4, 9, 9));
  });
});
