import { afterEach, describe, expect, it } from "vitest";

import type { LoggedRequest } from "../../../src/demo/simulated-upstream.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../../support/test-gateway.ts";

const FACT = "BLUE-HERON-42";
const TURNS = 40;

const open: TestGateway[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((gateway) => gateway.close()));
});

async function start(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const gateway = await startTestGateway(options);
  open.push(gateway);
  return gateway;
}

const textOf = ({ body }: LoggedRequest): string => JSON.stringify((body as { messages: unknown }).messages);
const isSummary = (entry: LoggedRequest): boolean => textOf(entry).includes("running summary of a conversation");
const summariesIn = ({ upstream }: TestGateway): LoggedRequest[] => upstream.log.filter(isSummary);
const turnsIn = (entry: LoggedRequest): number[] =>
  [...textOf(entry).matchAll(/\[turn (\d+)\]/g)].map((match) => Number(match[1]));

const say = (turn: number): string =>
  turn === 0
    ? `The code word of our boat is ${FACT}.`
    : `Remark ${turn}: ${"the weather turned again ".repeat(30)} [[len:80]]`;

async function play(gateway: TestGateway, { from = 0, to = TURNS, settle = true } = {}): Promise<void> {
  for (let turn = from; turn < to; turn += 1) {
    await gateway
      .client()
      .chat.completions.create(
        { model: "gpt-4.1", messages: [{ role: "user", content: say(turn) }] },
        { headers: { "X-Session-Id": "long" } },
      );
    if (settle) await gateway.flush();
  }
}

interface SentMessage {
  readonly role: string;
  readonly content: string;
}

/** What the last chat request carried. */
const lastMessages = ({ upstream }: TestGateway): readonly SentMessage[] =>
  (upstream.log.findLast((entry) => !isSummary(entry))?.body as { messages: readonly SentMessage[] }).messages;

const lastContextHas = (gateway: TestGateway, text: string): boolean =>
  lastMessages(gateway).some(({ content }) => content.includes(text));

describe("the rolling summary", () => {
  it.each([{ settle: true }, { settle: false }])(
    "reads every turn that is cut exactly once, in order (settled between turns: $settle)",
    async ({ settle }) => {
      const gateway = await start();
      // A summary that quotes nothing: what stands in a later prompt then stands there to be read.
      gateway.upstream.steerSummaries("[[len:50]]");
      await play(gateway, { settle });
      await gateway.flush();
      const read = summariesIn(gateway).flatMap(turnsIn);
      expect(read.length).toBeGreaterThan(10);
      expect(read).toEqual(Array.from({ length: read.length }, (_, index) => index));
    },
  );

  it("reads a long past that another strategy had forgotten in bounded pieces, one behind each answer", async () => {
    const gateway = await start({
      env: {
        STATEGATE_HISTORY__WINDOW__TURNS: "1",
        STATEGATE_HISTORY__FLOOR_TOKENS: "0",
        STATEGATE_HISTORY__SUMMARY__KEEP_TURNS: "1",
      },
    });
    gateway.upstream.steerSummaries("[[len:50]]");
    const ask = async (turn: number, strategy: string, words: number): Promise<void> => {
      const content = `Remark ${turn}: ${"weather ".repeat(words)}[[len:5]]`;
      const headers = { "X-Session-Id": "long", "X-History-Strategy": strategy };
      await gateway
        .client()
        .chat.completions.create({ model: "gpt-4.1", messages: [{ role: "user", content }] }, { headers });
      await gateway.flush();
    };
    for (let turn = 0; turn < 24; turn += 1) await ask(turn, "window", 3_000);
    for (let turn = 24; turn < 30; turn += 1) await ask(turn, "summary", 10);
    const pieces = summariesIn(gateway);
    const read = pieces.flatMap(turnsIn);
    expect(pieces.length).toBeGreaterThan(2);
    expect(Math.max(...pieces.map(({ promptTokens }) => promptTokens))).toBeLessThan(34_000);
    expect(read).toEqual(Array.from({ length: read.length }, (_, index) => index));
    expect(read.length).toBeGreaterThanOrEqual(24);
  });

  it.each(["hybrid", "summary"])(
    "carries a fact that stands nowhere else to the model, also after a restart: %s",
    async (strategy) => {
      const gateway = await start({ env: { STATEGATE_HISTORY__STRATEGY: strategy } });
      await play(gateway);
      await gateway.restart();
      await play(gateway, { from: TURNS, to: TURNS + 1 });
      const holders = lastMessages(gateway).filter(({ content }) => content.includes(FACT));
      expect(holders.map(({ role }) => role)).toEqual(["user"]);
      expect(holders[0]?.content.slice(0, 200)).toMatch(/notes/i);
    },
  );

  it("is replaced by an extract when the model fails, and nothing of the conversation is lost from sight", async () => {
    const gateway = await start();
    gateway.upstream.steerSummaries("[[error:500]]");
    await play(gateway);
    expect(summariesIn(gateway).length).toBeGreaterThan(0);
    expect(lastContextHas(gateway, FACT)).toBe(true);
    expect(await gateway.metrics()).toMatch(/stategate_degraded_total\{stategate_reason="summary_failed"[^}]*\} [1-9]/);
  });

  it.each(["[[refuse]]", "[[len:0]]", "[[finish:length]]"])(
    "is rejected when the model answers %s",
    async (directive) => {
      const gateway = await start();
      gateway.upstream.steerSummaries(directive);
      await play(gateway, { to: 30 });
      expect(await gateway.metrics()).toMatch(/stategate_degraded_total\{stategate_reason="summary_failed"/);
      expect(lastContextHas(gateway, "I can't help with that")).toBe(false);
    },
  );

  it("asks no model when the configuration says extractive, and still carries the fact", async () => {
    const gateway = await start({ env: { STATEGATE_HISTORY__SUMMARY__MODE: "extractive" } });
    await play(gateway);
    expect(summariesIn(gateway)).toEqual([]);
    expect(lastContextHas(gateway, FACT)).toBe(true);
  });

  it("is made by the configured model, and paid with the caller's key", async () => {
    const gateway = await start({ env: { STATEGATE_HISTORY__SUMMARY__MODEL: "gpt-5-nano" } });
    await play(gateway, { to: 30 });
    const [first] = summariesIn(gateway);
    expect((first?.body as { model: string }).model).toBe("gpt-5-nano");
    expect(first?.headers.authorization).toBe("Bearer sk-test-user-1");
  });

  it("never reads what redaction withheld", async () => {
    const gateway = await start();
    await gateway
      .client()
      .chat.completions.create(
        { model: "gpt-4.1", messages: [{ role: "user", content: "Write to ada.lovelace@example.com please." }] },
        { headers: { "X-Session-Id": "long" } },
      );
    await play(gateway, { from: 1 });
    expect(summariesIn(gateway).length).toBeGreaterThan(0);
    expect(summariesIn(gateway).some((summary) => textOf(summary).includes("ada.lovelace"))).toBe(false);
  });
});
