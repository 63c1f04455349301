import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, freshSession, lastSent, onSession, send, sendChat } from "../support/http-calls.ts";
import { type PgliteServer, startPgliteServer } from "../support/pglite-server.ts";
import { countTokens, startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { masterKeys } from "../support/test-master-keys.ts";

const FACT = "My sister Annegret keeps bees in Lisbon.";
const PARAPHRASE = "Which insects does our sibling tend?";
const fillers = ["The weather turned cold.", "Work was dull.", "I painted the kitchen.", "Dinner was soup."];

describe("with recall.vectors: database", () => {
  let database: PgliteServer;
  let upstream: SimulatedUpstream;
  let folder: string;
  let gateway: TestGateway;
  beforeAll(async () => {
    database = await startPgliteServer();
    upstream = await startSimulatedUpstream({ countTokens: await countTokens() });
  });
  afterAll(async () => {
    await upstream.close();
    await database.stop();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "stategate-test-"));
    upstream.reset();
    for (const [word, other] of [
      ["bees", "insects"],
      ["sister", "sibling"],
      ["keeps", "tend"],
    ] as const)
      upstream.makeSynonyms(word, other);
    await start();
  });
  afterEach(async () => {
    await gateway.close();
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<void> {
    await database.forgetStatements();
    gateway = await startTestGateway({
      upstream,
      folder,
      env: {
        ...masterKeys,
        STATEGATE_STORE: database.address,
        STATEGATE_HISTORY__STRATEGY: "semantic",
        STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "2",
        STATEGATE_HISTORY__EXACT: "true",
        STATEGATE_HISTORY__RECALL__VECTORS: "database",
        STATEGATE_HISTORY__RECALL__EMBEDDINGS__MODEL: "text-embedding-3-small",
        STATEGATE_HISTORY__RECALL__EMBEDDINGS__TIMEOUT_MS: "20000",
        STATEGATE_HISTORY__RECALL__EMBEDDINGS__DIMENSIONS: String(await dimensions()),
      },
    });
  }
  /** Of the simulated model's vectors. */
  async function dimensions(): Promise<number> {
    const answer = await fetch(`${upstream.url}/embeddings`, {
      method: "POST",
      headers: { authorization: "Bearer sk-test-user-1", "content-type": "application/json" },
      body: JSON.stringify({ model: "text-embedding-3-small", input: ["length"] }),
    });
    const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
    return data[0]?.embedding.length ?? 0;
  }
  async function say(session: string, text: string): Promise<string> {
    const answer = await sendChat(gateway, ask(text), { headers: onSession(session) });
    expect(answer.status, answer.text).toBe(200);
    return lastSent(gateway).at(-1) ?? "";
  }
  async function longSession(): Promise<string> {
    const session = freshSession();
    for (const text of [FACT, ...fillers]) await say(session, text);
    await gateway.flush();
    return session;
  }
  const embedded = (): string[] =>
    upstream.log
      .filter(({ path }) => path.startsWith("/v1/embeddings"))
      .flatMap(({ body }) => (body as { input: string[] }).input);
  const vectors = async (): Promise<number> =>
    Number((await database.query("SELECT count(*) AS rows FROM stategate.vectors"))[0]?.["rows"]);

  it("a question in other words finds the old remark", async () => {
    const session = await longSession();
    expect(await say(session, PARAPHRASE)).toContain(`\nuser: ${FACT}\n`);
    await send(gateway, `/sessions/${session}`, { method: "DELETE" });
  });

  it("a replica that never saw the session finds it at once, and embeds nothing twice", async () => {
    const session = await longSession();
    await gateway.close();
    await start();
    expect(await say(session, PARAPHRASE)).toContain(`\nuser: ${FACT}\n`);
    await gateway.flush();
    expect(embedded().filter((text) => text === FACT)).toHaveLength(1);
    await send(gateway, `/sessions/${session}`, { method: "DELETE" });
  });

  it("the vectors of a session go with it", async () => {
    const session = await longSession();
    expect(await vectors()).toBeGreaterThan(0);
    expect((await send(gateway, `/sessions/${session}`, { method: "DELETE" })).status).toBe(200);
    expect(await vectors()).toBe(0);
  });

  it("an erasure takes a user's vectors along, and nobody else's", async () => {
    await longSession();
    const mine = await vectors();
    const other = { authorization: "Bearer sk-test-user-2" };
    const theirs = freshSession();
    for (const text of [FACT, ...fillers]) {
      await sendChat(gateway, ask(text), { headers: { ...onSession(theirs), ...other } });
    }
    await gateway.flush();
    const both = await vectors();
    expect(both).toBeGreaterThan(mine);
    expect((await send(gateway, "/me", { method: "DELETE" })).status).toBe(200);
    expect(await vectors()).toBe(both - mine);
    await send(gateway, "/me", { method: "DELETE", headers: other });
    expect(await vectors()).toBe(0);
  });
});
