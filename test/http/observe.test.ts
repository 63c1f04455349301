import fc from "fast-check";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { afterEach, describe, expect, it, vi } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { turnLine } from "../../src/telemetry/turn-line.ts";
import { faults, mendAll } from "../support/fault-parts.ts";
import { freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { countTokens, startTestGateway, type TestGateway } from "../support/test-gateway.ts";

vi.mock("../../src/store/open-store.ts", async (original) => {
  const real = await original<typeof import("../../src/store/open-store.ts")>();
  const { breakableStore } = await import("../support/fault-parts.ts");
  return { ...real, openStore: breakableStore(real.openStore) };
});

const OBSERVE = { STATEGATE_HISTORY__MODE: "observe" };
const START = 1_800_000_000_000;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  mendAll();
  await Promise.all(open.splice(0).map((part) => part.close()));
});

interface World {
  readonly gateway: TestGateway;
  readonly upstream: SimulatedUpstream;
  readonly pass: () => void;
}

/** Gateway and provider by the same hand-moved clock. */
async function openWorld(env: Readonly<Record<string, string>>): Promise<World> {
  let now = START;
  const upstream = await startSimulatedUpstream({ countTokens: await countTokens(), now: () => now });
  const gateway = await startTestGateway({ env, upstream, clock: () => now });
  open.push(gateway, upstream);
  return { gateway, upstream, pass: () => (now += 20_000) };
}

const system: ChatCompletionMessageParam = { role: "system", content: "Answer with care. ".repeat(40) };
/** The first is long enough to be cached by itself. */
const say = (turn: number): string =>
  `${turn === 0 ? "As the minutes of the last meeting say, the bridge stands. ".repeat(200) : ""}Question ${turn}: ${`what was measured on day ${turn * 3} and by whom, `.repeat(8)}please. [[len:120]]`;

interface Answer {
  readonly headers: Headers;
  readonly content: string;
}

interface Speech {
  readonly model: string;
  readonly stream: boolean;
  /** Whether streams ask for their bill; where not, the gateway counts. */
  readonly usage: boolean;
}

async function turnOf(
  gateway: TestGateway,
  messages: ChatCompletionMessageParam[],
  { model, stream, usage }: Speech,
): Promise<Answer> {
  const body = { model, messages };
  const create = gateway.client().chat.completions;
  const options = { headers: { "X-Session-Id": "observed" } };
  if (!stream) {
    const { data, response } = await create.create(body, options).withResponse();
    return { headers: response.headers, content: data.choices[0]?.message.content ?? "" };
  }
  const { data, response } = await create
    .create({ ...body, stream: true, ...(usage && { stream_options: { include_usage: true } }) }, options)
    .withResponse();
  let content = "";
  for await (const chunk of data) content += chunk.choices[0]?.delta.content ?? "";
  return { headers: response.headers, content };
}

/** A client that replays everything, as most do. */
async function replay({ gateway, pass }: World, turns: number, speech: Omit<Speech, "stream">): Promise<Answer[]> {
  const messages = [system];
  const answers: Answer[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    messages.push({ role: "user", content: say(turn) });
    const answer = await turnOf(gateway, messages, { ...speech, stream: turn % 2 === 1 });
    messages.push({ role: "assistant", content: answer.content });
    answers.push(answer);
    await gateway.flush();
    pass();
  }
  return answers;
}

function metricSum(text: string, name: string): number {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe("a gateway that observes", () => {
  it.each([
    { name: "where that saves", model: "gpt-4o", usage: true, turns: 32, sign: 1, env: {} },
    { name: "where streams do not tell their bill", model: "gpt-4o", usage: false, turns: 32, sign: 1, env: {} },
    {
      name: "where that loses",
      model: "gpt-5",
      usage: true,
      turns: 16,
      sign: -1,
      env: {
        STATEGATE_HISTORY__STRATEGY: "window",
        STATEGATE_HISTORY__EXACT: "true",
        STATEGATE_HISTORY__WINDOW__TURNS: "6",
      },
    },
  ])("sends all, saves nothing, and reports what a managing gateway saves, $name", async (given) => {
    const { model, usage, turns, sign, env } = given;
    const observed = await openWorld({ ...OBSERVE, ...env });
    const answers = await replay(observed, turns, { model, usage });
    const managed = await openWorld({ STATEGATE_HISTORY__SUMMARY__MODE: "extractive", ...env });
    await replay(managed, turns, { model, usage });

    const bodies = observed.upstream.log.map(({ body }) => body as { messages: unknown[] });
    // No summary was asked for: each request is one of the client's, whole.
    expect(bodies.map(({ messages }) => messages.length)).toEqual(Array.from({ length: turns }, (_, at) => 2 * at + 2));
    expect(answers.map(({ headers }) => headers.get("x-history-mode"))).toEqual(answers.map(() => "observe"));

    const metrics = await observed.gateway.metrics();
    const truth = await managed.gateway.metrics();
    for (const what of ["tokens", "cost"]) {
      expect(metricSum(metrics, `stategate_${what}_saved`)).toBe(0);
      const would = metricSum(metrics, `stategate_${what}_would_save`);
      const saved = metricSum(truth, `stategate_${what}_saved`);
      if (what === "cost") expect(Math.sign(saved)).toBe(sign);
      const baseline = metricSum(truth, `stategate_${what}_baseline_total`);
      expect(Math.abs(would - saved), `${would} for ${saved}`).toBeLessThanOrEqual(baseline * 0.01);
      process.stdout.write(`observe: would save ${would} ${what}, managing saves ${saved}\n`);
    }
    expect(metricSum(metrics, "stategate_compactions_total")).toBe(0);
    const estimated = sumOf(answers.map(({ headers }) => Number(headers.get("x-tokens-saved"))));
    const would = metricSum(metrics, "stategate_tokens_would_save");
    expect(Math.abs(estimated - would)).toBeLessThanOrEqual(would * 0.01);

    const report = observed.gateway.turns.at(-1);
    expect(report?.totalSavedUsd).toBeCloseTo(metricSum(metrics, "stategate_cost_would_save"), 9);
    expect(report && turnLine(report)).toMatch(/would have sent [\d,]+ of [\d,]+ tokens, would have saved -?\$\d/);
  });

  it("stores each turn redacted, and what was stored serves once the gateway manages", async () => {
    const { gateway, upstream } = await openWorld(OBSERVE);
    const session = onSession(freshSession());
    const first = [{ role: "user", content: "I am ada@example.com [[len:2]]" }];
    await sendChat(gateway, { model: "gpt-5", messages: first }, { headers: session });
    expect(upstream.log.at(-1)?.bytes.toString()).toContain("ada@example.com");
    const { text } = await send(gateway, `/sessions/${session["x-session-id"]}/messages`);
    expect(text).toMatch(/\[EMAIL_[0-9a-f]{8}\]/);
    expect(text).not.toContain("ada@example.com");
    expect(text).toContain("word0 word1");

    const manager = await startTestGateway({ upstream, folder: gateway.folder, clock: () => START });
    open.push(manager);
    const second = { role: "user", content: "And now? [[len:1]]" };
    const { headers } = await sendChat(manager, { model: "gpt-5", messages: [second] }, { headers: session });
    expect(headers.get("x-history-mode")).toBe("delta");
    expect(upstream.log.at(-1)?.body).toMatchObject({
      messages: [
        { role: "user" },
        { role: "assistant", content: "word0 word1" },
        { role: "user", content: expect.stringContaining(second.content) as string },
      ],
    });
  });

  it("injects nothing for a client that sends only what is new, and says that it would have cost more", async () => {
    const { gateway, upstream } = await openWorld(OBSERVE);
    const session = onSession(freshSession());
    for (const content of ["first [[len:40]]", "second [[len:2]]"]) {
      const messages = [{ role: "user", content }];
      const { headers } = await sendChat(gateway, { model: "gpt-5", messages }, { headers: session });
      expect(upstream.log.at(-1)?.body).toEqual({ model: "gpt-5", messages });
      if (content.startsWith("second")) expect(Number(headers.get("x-tokens-saved"))).toBeLessThan(-40);
    }
    expect(metricSum(await gateway.metrics(), "stategate_tokens_would_save")).toBeLessThan(-40);
  });

  it("answers when its store is away, a client that it knows nothing of too", async () => {
    const { gateway } = await openWorld(OBSERVE);
    const session = onSession(freshSession());
    const messages = [{ role: "user", content: "hello [[len:1]]" }];
    for (const stream of [false, true]) {
      faults.store.commit = true;
      const lost = await sendChat(gateway, { model: "gpt-5", messages, stream }, { headers: session });
      expect([lost.status, lost.text.includes("word0"), lost.text.includes('"error"')]).toEqual([200, true, false]);
      expect(lost.text.includes("[DONE]")).toBe(stream);
      mendAll();
    }
    faults.store.load = true;
    const { status } = await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(freshSession()) });
    expect(status).toBe(200);
  });
});

/** Whatever a provider's answer looks like, as long as it comes whole. */
const directives = fc.subarray(
  [
    "[[len:7]]",
    "[[reason]]",
    "[[heartbeat]]",
    "[[split]]",
    "[[azure]]",
    "[[shred]]",
    "[[usage:none]]",
    "[[donetwice]]",
  ],
  { minLength: 0 },
);
const framing = fc.constantFrom("", "[[crlf]]", "[[cr]]", "[[bom]]", "[[tool:look_up]]", "[[refuse]]", "[[error:429]]");
const fields = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 });
const READ = new Set(["model", "messages", "stream", "stream_options", "n", "tools", "functions", "response_format"]);

const request = fc
  .record({
    text: fc
      .tuple(directives, framing, fc.string({ unit: "binary", maxLength: 20 }))
      .map((parts) => parts.flat().join("")),
    stream: fc.boolean(),
    usage: fc.boolean(),
    extra: fields,
    space: fc.constantFrom("", " ", "\n\t"),
    keeps: fc.integer({ min: 0, max: 4 }),
  })
  .map((drawn) => ({ ...drawn, extra: Object.entries(drawn.extra).filter(([key]) => !READ.has(key)) }));

interface Spoken {
  readonly role: string;
  readonly content: string;
}

describe("observing changes no byte", () => {
  it("of any request, and none of its answer", { timeout: inCiOrProving(60_000, 300_000) }, async () => {
    let tried = 0;
    const now = (): number => START;
    const counter = await countTokens();
    const direct = await startSimulatedUpstream({ countTokens: counter, now });
    const behind = await startSimulatedUpstream({ countTokens: counter, now });
    const env = { ...OBSERVE, STATEGATE_HISTORY__FLOOR_TOKENS: "20", STATEGATE_HISTORY__STRATEGY: "window" };
    const gateway = await startTestGateway({ env, upstream: behind, clock: now });
    open.push(gateway, direct, behind);
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), async (requests) => {
        const session = freshSession();
        let spoken: Spoken[] = [];
        for (const { text, stream, usage, extra, space, keeps } of requests) {
          // Some replay all, some a part of it, some only what is new.
          spoken = [...spoken.slice(-keeps * 2), { role: "user", content: text }];
          const members: [string, unknown][] = [...extra, ["model", "gpt-5"], ["messages", spoken], ["stream", stream]];
          if (usage) members.push(["stream_options", { include_usage: true }]);
          const printed = members.map(
            ([key, value]) => `${space}${JSON.stringify(key)}:${space}${JSON.stringify(value)}`,
          );
          const body = `${space}{${printed.join(`${space},`)}}${space}`;
          const answer = await sendChat(gateway, body, { headers: onSession(session) });
          const truth = await fetch(`${direct.url}/chat/completions`, {
            method: "POST",
            headers: { "content-type": "application/json", authorization: "Bearer sk-test-user-1" },
            body,
          });
          expect(answer.status).toBe(truth.status);
          expect(behind.log.at(-1)?.bytes.toString()).toBe(body);
          expect(answer.bytes.toString()).toBe(Buffer.from(await truth.arrayBuffer()).toString());
          spoken = [...spoken, { role: "assistant", content: "word0 word1" }];
          tried += 1;
        }
      }),
      { numRuns: inCiOrProving(25, 400) },
    );
    process.stdout.write(`observe: ${tried} requests and answers compared, none changed\n`);
  });
});
