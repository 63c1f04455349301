import { afterEach, describe, expect, it } from "vitest";

import type { LoggedRequest } from "../../src/demo/simulated-upstream.ts";
import { ask, freshSession, lastSent, onSession, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const threeTurns = {
  STATEGATE_HISTORY__STRATEGY: "semantic",
  STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "3",
  STATEGATE_HISTORY__EXACT: "true",
};
const embedding = {
  STATEGATE_HISTORY__RECALL__EMBEDDINGS__MODEL: "text-embedding-3-small",
  // A test is not to fail because the machine is busy.
  STATEGATE_HISTORY__RECALL__EMBEDDINGS__TIMEOUT_MS: "20000",
};

const FACT = "My sister Annegret keeps bees in Lisbon.";
const QUESTION = "What does my sister keep in Lisbon?";
const PARAPHRASE = "Which insects does our sibling tend?";
const fillers = [
  "The weather turned cold.",
  "Work was dull.",
  "I painted the kitchen.",
  "Dinner was soup.",
  "It snowed.",
];

let gateway: TestGateway;
afterEach(() => gateway.close());

async function start(env: Record<string, string>): Promise<void> {
  gateway = await startTestGateway({ env: { ...threeTurns, ...env } });
  for (const [word, other] of [
    ["bees", "insects"],
    ["sister", "sibling"],
    ["keeps", "tend"],
  ] as const)
    gateway.upstream.makeSynonyms(word, other);
}

async function say(session: string, text: string): Promise<string> {
  const answer = await sendChat(gateway, ask(text), { headers: onSession(session) });
  expect(answer.status, answer.text).toBe(200);
  return lastSent(gateway).at(-1) ?? "";
}

/** A session whose first turn is not sent any more, with all that was left to do done. */
async function longSession(fact = FACT): Promise<string> {
  const session = freshSession();
  for (const text of [fact, ...fillers]) await say(session, text);
  await gateway.flush();
  return session;
}

const embeddingCalls = (): readonly LoggedRequest[] =>
  gateway.upstream.log.filter(({ path }) => path.startsWith("/v1/embeddings"));

const embedded = (): string[] => embeddingCalls().flatMap(({ body }) => (body as { input: string[] }).input);

const metric = async (pattern: RegExp): Promise<number> => {
  await gateway.flush();
  return Number(pattern.exec(await gateway.metrics())?.[1] ?? 0);
};
const failures = () => metric(/stategate_degraded_total\{[^}\n]*embedding_failed[^}\n]*\} (\d+)/);

describe("with an embedding model", () => {
  it("a question in other words finds the old remark, paid by the caller and reported as overhead", async () => {
    await start(embedding);
    const session = await longSession();
    expect(embedded()).toContain(FACT);
    expect(await say(session, PARAPHRASE)).toContain(`\nuser: ${FACT}\n`);
    expect(embedded()).toContain(PARAPHRASE);
    expect(new Set(embeddingCalls().map(({ headers }) => headers.authorization))).toEqual(
      new Set(["Bearer sk-test-user-1"]),
    );
    const overhead = await metric(/stategate_tokens_overhead_total\{[^}\n]*"embedding"[^}\n]*\} (\d+)/);
    expect(overhead).toBe(embeddingCalls().reduce((sum, { promptTokens }) => sum + promptTokens, 0));
    expect(overhead).toBeGreaterThan(0);
  });

  it("embeds each remark once, and only those that are not sent", async () => {
    await start(embedding);
    const session = await longSession();
    await say(session, "It rained.");
    await gateway.flush();
    const texts = embedded();
    expect(texts.filter((text) => text === FACT)).toHaveLength(1);
    for (const shown of ["It snowed.", "It rained."]) expect(texts).not.toContain(shown);
  });

  it("a replica that never saw the session finds by words first, and the rest once it has embedded it again", async () => {
    await start(embedding);
    const session = await longSession();
    await gateway.restart();
    expect(await say(session, PARAPHRASE)).toBe(`user: ${PARAPHRASE}`);
    await gateway.flush();
    expect(await say(session, PARAPHRASE)).toContain(`\nuser: ${FACT}\n`);
  });

  it("a question whose vector comes late is answered by words alone, and counted", async () => {
    await start({ ...embedding, STATEGATE_HISTORY__RECALL__EMBEDDINGS__TIMEOUT_MS: "1" });
    const session = await longSession();
    expect(embedded()).toContain(FACT);
    gateway.upstream.steerEmbeddings("[[delay:30000]]", QUESTION);
    expect(await say(session, QUESTION)).toContain(`\nuser: ${FACT}\n`);
    gateway.upstream.steerEmbeddings("[[delay:30000]]", PARAPHRASE);
    expect(await say(session, PARAPHRASE)).toBe(`user: ${PARAPHRASE}`);
    expect(await failures()).toBe(2);
  });

  it("that fails, all is as without one", async () => {
    await start(embedding);
    gateway.upstream.steerEmbeddings("[[error:400]]");
    const session = await longSession();
    expect(await say(session, QUESTION)).toContain(`\nuser: ${FACT}\n`);
    expect(await say(session, PARAPHRASE)).toBe(`user: ${PARAPHRASE}`);
    expect(await failures()).toBeGreaterThan(0);
  });

  it.each(["store", "upstream"])("a value that is redacted never goes there (%s)", async (mode) => {
    await start({ ...embedding, STATEGATE_REDACTION__MODE: mode });
    const session = await longSession("My sister in Lisbon has the address annegret@example.org now.");
    await say(session, "Is annegret@example.org the address of my sister in Lisbon?");
    expect(embedded().join()).toMatch(/has the address \[EMAIL_[0-9a-f]{8}\]/);
    expect(embedded().join()).toMatch(/Is \[EMAIL_[0-9a-f]{8}\] the address/);
    expect(embedded().join()).not.toContain("annegret@example.org");
  });

  it("a session that began without redaction is not embedded where the upstream may see placeholders only", async () => {
    await start({ ...embedding, STATEGATE_REDACTION__MODE: "off" });
    const { folder, upstream } = gateway;
    const session = await longSession("My sister in Lisbon has the address annegret@example.org now.");
    upstream.reset();
    const strict = await startTestGateway({
      env: { ...threeTurns, ...embedding, STATEGATE_REDACTION__MODE: "upstream" },
      folder,
      upstream,
    });
    for (const text of [QUESTION, "Was it dull?"]) {
      await sendChat(strict, ask(text), { headers: onSession(session) });
      await strict.flush();
    }
    await strict.close();
    expect(embedded()).toContain("The weather turned cold.");
    expect(embedded().join()).not.toContain("annegret@example.org");
  });
});

describe("nothing is embedded", () => {
  it.each([
    {},
    { ...embedding, STATEGATE_HISTORY__MODE: "observe" },
    { ...embedding, STATEGATE_HISTORY__RECALL__MAX_TOKENS: "0" },
    { ...embedding, STATEGATE_HISTORY__STRATEGY: "window" },
  ])("under %j", async (env) => {
    await start(env);
    const session = await longSession();
    expect(await say(session, PARAPHRASE)).toBe(`user: ${PARAPHRASE}`);
    await say(session, QUESTION);
    await gateway.flush();
    expect(embeddingCalls()).toEqual([]);
  });
});
