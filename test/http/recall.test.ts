import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ask, freshSession, lastSent, onSession, send, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

/** Exactly the last three turns are sent, and no summary could tell what was said before. */
const threeTurns = {
  STATEGATE_HISTORY__STRATEGY: "semantic",
  STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "3",
  STATEGATE_HISTORY__EXACT: "true",
};

const FACT = "My sister Annegret keeps bees in Lisbon.";
const QUESTION = "What does my sister keep in Lisbon?";
const fillers = [
  "The weather turned cold.",
  "Work was long and dull.",
  "I painted the kitchen blue.",
  "Dinner was soup with bread.",
  "The train was late once more.",
];

async function say(
  gateway: TestGateway,
  session: string,
  text: string,
  more: { headers?: Record<string, string>; key?: string } = {},
): Promise<string> {
  const { headers = {}, ...request } = more;
  const answer = await sendChat(gateway, ask(text), { headers: onSession(session, headers), ...request });
  expect(answer.status, answer.text).toBe(200);
  return lastSent(gateway).at(-1) ?? "";
}

/** A session whose first turn tells the fact, and is not sent any more. */
async function longSession(gateway: TestGateway, fact = FACT): Promise<string> {
  const session = freshSession();
  for (const text of [fact, ...fillers]) await say(gateway, session, text);
  expect(lastSent(gateway).join()).not.toContain(fact);
  return session;
}

/** The part of a message that was recalled. */
const recalledIn = (message: string): string => /<recalled_remarks>[^]*<\/recalled_remarks>$/.exec(message)?.[0] ?? "";

describe("a session longer than what is sent of it", () => {
  let gateway: TestGateway;
  beforeAll(async () => void (gateway = await startTestGateway({ env: threeTurns })));
  afterAll(() => gateway.close());

  it("tells the model what it asks for, word for word, behind the newest message", async () => {
    const session = await longSession(gateway);
    const sent = await say(gateway, session, QUESTION);
    expect(sent.startsWith(`user: ${QUESTION}\n\n<recalled_remarks>`)).toBe(true);
    expect(recalledIn(sent)).toMatch(/\n\n\d{4}-\d\d-\d\d:\n/);
    expect(recalledIn(sent)).toContain(`\nuser: ${FACT}\n`);
    expect(lastSent(gateway)).toHaveLength(7);
  });

  it("tells nothing of it to small talk, nor to a question about what is in sight", async () => {
    const session = await longSession(gateway);
    for (const text of ["Was the train late?", "Good morning! How are you today?", "Thanks, that helps."]) {
      expect(await say(gateway, session, text)).toBe(`user: ${text}`);
    }
  });

  it("never repeats what is sent anyway", async () => {
    const session = await longSession(gateway);
    await say(gateway, session, "Lisbon is where my sister would keep goats, too.");
    const [sent, before] = [await say(gateway, session, QUESTION), lastSent(gateway).slice(0, -1)];
    expect(recalledIn(sent)).toContain(FACT);
    for (const message of before) expect(recalledIn(sent)).not.toContain(message.replace(/^\w+: /, ""));
  });

  it("stores the message as it was said: what was recalled is no part of the history", async () => {
    const session = await longSession(gateway);
    await say(gateway, session, QUESTION);
    await say(gateway, session, "Fine.");
    expect(lastSent(gateway)).toContain(`user: ${QUESTION}`);
  });

  it("counts what it recalls: in the tokens saved, in the metrics, and where a session is explained", async () => {
    const session = await longSession(gateway);
    const answer = await sendChat(gateway, ask(QUESTION), { headers: onSession(session) });
    const context = await send(gateway, `/sessions/${session}/context`);
    const { last_request: last } = context.json<{ last_request: Record<string, number> & { recall: object } }>();
    expect(last.recall).toEqual({ outcome: "recalled", tokens: expect.any(Number) as number });
    // Where two texts meet, tokens may split differently than when counted apart.
    expect(Math.abs(Number(last["tokens"]) - Number(last["billed_tokens"]))).toBeLessThanOrEqual(2);
    expect(Number(answer.headers.get("x-tokens-saved"))).toBe(
      Number(last["full_replay_tokens"]) - Number(last["tokens"]),
    );
    await gateway.flush();
    expect(await gateway.metrics()).toMatch(/stategate_recall_total\{stategate_outcome="recalled"[^\n]*\} [1-9]/);
  });

  it("is recalled by a replica that never saw it", async () => {
    const session = await longSession(gateway);
    await gateway.restart();
    expect(recalledIn(await say(gateway, session, QUESTION))).toContain(FACT);
  });

  it("is recalled as it was edited, and not as it was before", async () => {
    const session = await longSession(gateway);
    expect(recalledIn(await say(gateway, session, QUESTION))).toContain("bees");
    const edited = [
      "My sister Annegret keeps goats in Lisbon.",
      "Noted.",
      ...fillers.flatMap((text) => [text, "Noted."]),
    ];
    const messages = [...edited, "So it goes."].map((content, at) => ({
      role: at % 2 ? "assistant" : "user",
      content,
    }));
    await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(session) });
    const delta = { headers: { "x-history-mode": "delta" } };
    for (const text of fillers) await say(gateway, session, text, delta);
    const recalled = recalledIn(await say(gateway, session, QUESTION, delta));
    expect(recalled).toContain("keeps goats in Lisbon");
    expect(recalled).not.toContain("bees");
  });

  it("is gone when its user was erased", async () => {
    const key = "sk-erased-user";
    const session = freshSession();
    for (const text of [FACT, ...fillers]) await say(gateway, session, text, { key });
    expect(recalledIn(await say(gateway, session, QUESTION, { key }))).toContain(FACT);
    expect((await send(gateway, "/me", { method: "DELETE", key })).status).toBe(200);
    for (const text of fillers) await say(gateway, session, text, { key });
    expect(await say(gateway, session, QUESTION, { key })).toBe(`user: ${QUESTION}`);
  });
});

describe("recall under other settings", () => {
  async function withGateway(env: Record<string, string>, use: (gateway: TestGateway) => Promise<void>): Promise<void> {
    const gateway = await startTestGateway({ env: { ...threeTurns, ...env } });
    await use(gateway).finally(() => gateway.close());
  }

  it.each(["hybrid", "semantic"])("is part of %s", async (strategy) => {
    await withGateway(
      { STATEGATE_HISTORY__STRATEGY: strategy, STATEGATE_HISTORY__SUMMARY__MODE: "off" },
      async (gateway) => {
        expect(recalledIn(await say(gateway, await longSession(gateway), QUESTION))).toContain(FACT);
      },
    );
  });

  it.each([
    { STATEGATE_HISTORY__RECALL__MAX_TOKENS: "0" },
    { STATEGATE_HISTORY__STRATEGY: "window", STATEGATE_HISTORY__WINDOW__TURNS: "3" },
  ])("is switched off by %j", async (env) => {
    await withGateway(env, async (gateway) => {
      expect(await say(gateway, await longSession(gateway), QUESTION)).toBe(`user: ${QUESTION}`);
    });
  });

  it("sends the model stand-ins where it may not know the values", async () => {
    await withGateway({ STATEGATE_REDACTION__MODE: "upstream" }, async (gateway) => {
      const session = await longSession(gateway, "My sister in Lisbon has the address annegret@example.org now.");
      const sent = await say(gateway, session, "What address does my sister in Lisbon have?");
      expect(sent).toMatch(
        /<recalled_remarks>[^]*\nuser: My sister in Lisbon has the address \[EMAIL_[0-9a-f]{8}\] now/,
      );
      expect(JSON.stringify(gateway.upstream.log)).not.toContain("annegret@example.org");
    });
  });

  it("recalls the stored form to a client that replays the clear one", async () => {
    await withGateway({}, async (gateway) => {
      const session = freshSession();
      const messages: { role: string; content: string }[] = [];
      for (const text of ["My sister in Lisbon has the address annegret@example.org now.", ...fillers]) {
        messages.push({ role: "user", content: text });
        await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(session) });
        messages.push({ role: "assistant", content: `You said: ${text} — naïve café 東京 😀` });
      }
      messages.push({ role: "user", content: "What address does my sister in Lisbon have?" });
      await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(session) });
      expect(lastSent(gateway).at(-1)).toMatch(/user: My sister in Lisbon has the address \[EMAIL_[0-9a-f]{8}\] now/);
      expect(lastSent(gateway).at(-1)).not.toContain("annegret@example.org");
    });
  });

  it("looks into the user's other sessions where the scope is the user, and into nobody else's", async () => {
    await withGateway({ STATEGATE_HISTORY__RECALL__SCOPE: "user" }, async (gateway) => {
      await longSession(gateway);
      expect(recalledIn(await say(gateway, freshSession(), QUESTION))).toContain(FACT);
      expect(await say(gateway, freshSession(), QUESTION, { key: "sk-somebody-else" })).toBe(`user: ${QUESTION}`);
    });
  });

  it("looks into no other session where sessions are tied to an address", async () => {
    const env = { STATEGATE_HISTORY__RECALL__SCOPE: "user", STATEGATE_SESSIONS__BINDING__IP: "enforce" };
    await withGateway(env, async (gateway) => {
      await longSession(gateway);
      expect(await say(gateway, freshSession(), QUESTION)).toBe(`user: ${QUESTION}`);
    });
  });
});
