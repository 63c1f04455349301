import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, chatsOf, freshSession, lastSent, onSession, sendChat, transcript } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const pairs = (messages: readonly string[]): string[] =>
  messages.flatMap((line, index) => (index % 2 === 0 ? [`${line} > ${messages[index + 1]}`] : []));

/** Resolves once the upstream was asked so many times. */
async function asked(target: TestGateway, count: number): Promise<void> {
  while (chatsOf(target).length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("requests on one session at the same time", () => {
  it("are all stored, each whole, none inside another", async () => {
    const session = freshSession();
    const texts = Array.from({ length: 20 }, (_, index) => `[[delay:${(index * 7) % 30}]] number ${index}`);
    const answers = await Promise.all(
      texts.map((text, index) =>
        sendChat(gateway, ask(text, { stream: index % 2 === 0 }), { headers: onSession(session) }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 200));
    const stored = await transcript(gateway, session);
    const expected = texts.map((text) => `user: ${text} > assistant: You said: ${text} — naïve café 東京 😀`);
    expect(pairs(stored).toSorted()).toEqual(expected.toSorted());
    await gateway.restart();
    expect(await transcript(gateway, session)).toEqual(stored);
  });

  it("each see the conversation as it was when they came, in the order in which they were answered after", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(session) });
    const slow = sendChat(gateway, ask("[[delay:300]] slow"), { headers: onSession(session) });
    await asked(gateway, 2);
    await sendChat(gateway, ask("[[len:2]] fast"), { headers: onSession(session) });
    await slow;
    expect(lastSent(gateway)).toEqual(["user: [[len:1]]", "assistant: word0", "user: [[len:2]] fast"]);
    const stored = await transcript(gateway, session);
    expect(stored.filter((line) => line.startsWith("user"))).toEqual([
      "user: [[len:1]]",
      "user: [[len:2]] fast",
      "user: [[delay:300]] slow",
    ]);
  });

  it("open a session together", async () => {
    const session = freshSession();
    await Promise.all(
      [1, 2, 3, 4].map((at) => sendChat(gateway, ask(`[[len:${at}]]`), { headers: onSession(session) })),
    );
    expect(await transcript(gateway, session)).toHaveLength(8);
  });
});

describe("a request that leaves old turns out while another replaces them", () => {
  it("is stored behind what stands by then, and the session stays readable", async () => {
    let now = Date.now();
    const env = { STATEGATE_HISTORY__EXACT: "true", STATEGATE_HISTORY__WINDOW__TURNS: "1" };
    const exact = await startTestGateway({ upstream: gateway.upstream, clock: () => now, env });
    const session = freshSession();
    const say = (messages: object[], strategy: string) =>
      sendChat(
        exact,
        { model: "gpt-5", messages },
        { headers: onSession(session, { "x-history-strategy": strategy, "x-history-mode": "replay" }) },
      );
    const user = (content: string): object => ({ role: "user", content });
    const exchange = (words: number): object[] => [
      user(`[[len:${words}]]`),
      { role: "assistant", content: Array.from({ length: words }, (_, at) => `word${at}`).join(" ") },
    ];
    const history = [...exchange(1), ...exchange(2), ...exchange(3)];
    for (const turns of [0, 1, 2]) await say([...history.slice(0, turns * 2), user(`[[len:${turns + 1}]]`)], "full");
    const [edited, windowed] = await Promise.all([
      say([user("[[delay:60]] [[len:1]] begin anew")], "full"),
      say([...history, user("[[delay:200]] [[len:1]] go on")], "window"),
    ]);
    expect([edited, windowed].map(({ headers }) => headers.get("x-history-mode"))).toEqual(["edited", "replay"]);
    const stored = [
      "user: [[delay:60]] [[len:1]] begin anew",
      "assistant: word0",
      "user: [[delay:200]] [[len:1]] go on",
      "assistant: word0",
    ];
    expect(await transcript(exact, session)).toEqual(stored);
    // Read anew: what is opened is dropped after a minute.
    now += 61_000;
    expect(await transcript(exact, session)).toEqual(stored);
    await exact.close();
  });
});

describe("sessions.concurrency: serialize", () => {
  it("lets the second wait for the first and go on from it", async () => {
    const serial = await startTestGateway({
      upstream: gateway.upstream,
      env: { STATEGATE_SESSIONS__CONCURRENCY: "serialize" },
    });
    const session = freshSession();
    const slow = sendChat(serial, ask("[[delay:150]] [[len:1]]"), { headers: onSession(session) });
    await asked(serial, 1);
    const next = sendChat(serial, ask("[[len:2]]"), { headers: onSession(session) });
    const elsewhere = await sendChat(serial, ask("[[len:3]]"), { headers: onSession(freshSession()) });
    expect(elsewhere.status).toBe(200);
    expect(chatsOf(serial)).toHaveLength(2);
    await Promise.all([slow, next]);
    expect(lastSent(serial)).toEqual(["user: [[delay:150]] [[len:1]]", "assistant: word0", "user: [[len:2]]"]);
    await serial.close();
  });
});

describe("sessions.concurrency: reject", () => {
  it("refuses the second while the first runs, as OpenAI does, and takes it afterwards", async () => {
    const strict = await startTestGateway({
      upstream: gateway.upstream,
      env: { STATEGATE_SESSIONS__CONCURRENCY: "reject" },
    });
    const session = freshSession();
    const slow = sendChat(strict, ask("[[delay:150]] [[len:1]]"), { headers: onSession(session) });
    await asked(strict, 1);
    const refused = await sendChat(strict, ask("[[len:2]]"), { headers: onSession(session) });
    expect([refused.status, refused.json<{ error: { code: string } }>().error.code]).toEqual([
      409,
      "conversation_locked",
    ]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await slow).status).toBe(200);
    expect((await sendChat(strict, ask("[[len:2]]"), { headers: onSession(session) })).status).toBe(200);
    expect(await transcript(strict, session)).toHaveLength(4);
    await strict.close();
  });
});

describe("a restart between turns", () => {
  it("loses nothing, wherever it comes", async () => {
    const session = freshSession();
    const said: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      await sendChat(gateway, ask(`[[len:${index + 1}]]`, { stream: index % 2 === 1 }), {
        headers: onSession(session),
      });
      said.push(
        `user: [[len:${index + 1}]]`,
        `assistant: ${Array.from({ length: index + 1 }, (_, at) => `word${at}`).join(" ")}`,
      );
      if (index % 2 === 0) await gateway.restart();
      expect(await transcript(gateway, session)).toEqual(said);
    }
    await gateway.restart();
    await sendChat(gateway, ask("and now?"), { headers: onSession(session) });
    expect(lastSent(gateway)).toEqual([...said, "user: and now?"]);
  });
});
