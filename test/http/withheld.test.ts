/** Promise P6: in upstream mode the provider is sent placeholders only, and the client gets its own values back. */
import type OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { afterEach, describe, expect, it } from "vitest";

import { freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { type PlantedValue, plantValues } from "../support/planted-values.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const PLACEHOLDER = /\[[A-Z]+_[0-9a-f]{8}\]/;
const TAIL = " — naïve café 東京 😀";

let gateway: TestGateway;
const open = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
  gateway = await startTestGateway({ env: { STATEGATE_REDACTION__MODE: "upstream", ...env } });
};
afterEach(() => gateway.close());

/** Every byte the provider was sent: bodies, paths and headers, of summaries too. */
function expectNothingSent(planted: readonly PlantedValue[]): void {
  const sent = gateway.upstream.log.map(
    ({ bytes, path, headers }) => `${path} ${JSON.stringify(headers)} ${bytes.toString()}`,
  );
  expect(sent.length).toBeGreaterThan(0);
  const leaked = planted.filter(({ value }) =>
    sent.some((text) => text.includes(value) || text.includes(value.replaceAll(" ", ""))),
  );
  expect(leaked).toEqual([]);
}

interface Said {
  readonly content: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

/** The simulated model quotes all it was told, the note about placeholders too. */
const withoutNote = (text: string): string => text.replaceAll(/(?:\n|\\n)*\[Note: [^\]]*\]/g, "");

/** A client that sends only what is new, or all that was said. */
function createTalker(
  client: OpenAI,
  { session, replays, stream }: { session: string; replays: boolean; stream: boolean },
) {
  const said: ChatCompletionMessageParam[] = [];
  return {
    said,
    async say(...messages: ChatCompletionMessageParam[]): Promise<Said> {
      said.push(...messages);
      const request = { model: "gpt-5", messages: replays ? said : messages };
      const options = { headers: onSession(session) };
      const completion = stream
        ? await client.chat.completions.stream({ ...request, stream: true }, options).finalChatCompletion()
        : await client.chat.completions.create(request, options);
      const message = completion.choices[0]?.message;
      if (!message) throw new Error("no choice");
      said.push(message);
      const calls = (message.tool_calls ?? []).flatMap((call) => (call.type === "function" ? [call.function] : []));
      return {
        content: withoutNote(message.content ?? ""),
        calls: calls.map(({ name, arguments: given }) => ({ name, arguments: withoutNote(given) })),
      };
    },
  };
}

const user = (content: string): ChatCompletionMessageParam => ({ role: "user", content });

const ways = [
  { stream: false, replays: false },
  { stream: false, replays: true },
  { stream: true, replays: false },
  { stream: true, replays: true },
];

describe.each(ways)("a client (stream: $stream, replays: $replays)", ({ stream, replays }) => {
  it("gets its own values back, and the provider never sees them", async () => {
    await open();
    const planted = plantValues(9);
    const session = freshSession();
    const talker = createTalker(gateway.client(), { session, replays, stream });
    for (const { sentence } of planted) {
      const text = `${sentence} [[shred]]`;
      expect((await talker.say(user(text))).content).toBe(`You said: ${text}${TAIL}`);
    }
    await gateway.restart();
    const again = createTalker(gateway.client(), { session, replays, stream });
    again.said.push(...talker.said);
    const { content } = await again.say(user("What did I say? [[echo]] [[shred]]"));
    for (const { value } of planted) expect(content).toContain(value);
    expect(content).not.toMatch(PLACEHOLDER);
    const { text, ...stored } = await send(gateway, `/sessions/${session}/messages?limit=100`);
    expect(stored.status).toBe(200);
    for (const { value } of planted) expect(text).toContain(value);
    expectNothingSent(planted);
    // Every turn was understood: a replay is not taken for an edit.
    expect(gateway.turns.slice(1).map(({ mode }) => mode)).toEqual(planted.map(() => (replays ? "replay" : "delta")));
  });

  it("is called with its own values in tool arguments, which stay JSON", async () => {
    await open();
    const planted = plantValues(9);
    const talker = createTalker(gateway.client(), { session: freshSession(), replays, stream });
    for (const [index, { sentence }] of planted.entries()) {
      const text = `say "${sentence}" \\ 😀 [[tool:mail]] [[tool:call]] [[quote]]`;
      const { calls } = await talker.say(user(text));
      expect(calls.map(({ name, arguments: given }): unknown => [name, JSON.parse(given)])).toEqual([
        ["mail", { query: text }],
        ["call", { query: text }],
      ]);
      const results = talker.said.at(-1) as { tool_calls: { id: string }[] };
      await talker.say(
        ...results.tool_calls.map(({ id }): ChatCompletionMessageParam => ({
          role: "tool",
          tool_call_id: id,
          content: JSON.stringify({ sent: planted[index]?.value }),
        })),
      );
    }
    expectNothingSent(planted);
  });
});

const earlyCuts = {
  STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
  STATEGATE_HISTORY__FLOOR_TOKENS: "0",
  STATEGATE_HISTORY__SUMMARY__MAX_TOKENS: "200",
};

const sentMessages = (): readonly (readonly unknown[])[] =>
  gateway.upstream.log.map(({ body }) => (body as { messages: readonly unknown[] }).messages);

describe("what the provider is sent of a conversation", () => {
  it.each([false, true])("grows at its end only, so that its prompt cache works (replays: %s)", async (replays) => {
    await open();
    const talker = createTalker(gateway.client(), { session: freshSession(), replays, stream: true });
    await talker.say({ role: "system", content: "Be brief. Our office is +49 30 901820." }, user("hello"));
    for (const { sentence } of plantValues(12)) await talker.say(user(`${sentence} ${"and more ".repeat(40)}`));
    const sent = sentMessages();
    for (const [index, messages] of sent.slice(1).entries()) {
      const before = sent[index] ?? [];
      // The note stands at the end of the newest message, where it disturbs nothing.
      const front = before.slice(0, -1).map((message) => JSON.stringify(message));
      expect(messages.slice(0, front.length).map((message) => JSON.stringify(message))).toEqual(front);
      expect(withoutNote(JSON.stringify(before.at(-1)))).toBe(JSON.stringify(messages[front.length]));
    }
    expect(gateway.upstream.log.at(-1)?.cachedTokens).toBeGreaterThan(1_024);
  });

  it("holds placeholders only when old turns have become a summary, and the values come back from it", async () => {
    await open(earlyCuts);
    const planted = plantValues(18);
    const talker = createTalker(gateway.client(), { session: freshSession(), replays: false, stream: true });
    for (const { sentence } of planted) {
      await talker.say(user(`${sentence} ${"and more ".repeat(60)}`));
      await gateway.flush();
    }
    const summaries = sentMessages().filter((messages) => JSON.stringify(messages[0]).includes("running summary"));
    expect(summaries.length).toBeGreaterThan(0);
    const { content } = await talker.say(user("[[echo]]"));
    const echoed = JSON.stringify(sentMessages().at(-1));
    expect(echoed).toContain("Summary: ");
    expect(echoed).toMatch(PLACEHOLDER);
    expect(content).not.toMatch(PLACEHOLDER);
    expectNothingSent(planted);
  });
});

describe("a transcript as it is stored", () => {
  it("is known again when a client replays its placeholders", async () => {
    await open();
    const session = freshSession();
    const talker = createTalker(gateway.client(), { session, replays: false, stream: true });
    for (const { sentence } of plantValues(3)) await talker.say(user(sentence));
    const storing = await startTestGateway({ upstream: gateway.upstream, folder: gateway.folder });
    try {
      const { text } = await send(storing, `/sessions/${session}/messages`);
      expect(text).toMatch(PLACEHOLDER);
      const { data } = JSON.parse(text) as { data: { role: string; content: string }[] };
      const messages = [...data.map(({ role, content }) => ({ role, content })), user("go on")];
      const { headers } = await sendChat(storing, { model: "gpt-5", messages }, { headers: onSession(session) });
      expect(headers.get("x-history-mode")).toBe("replay");
    } finally {
      await storing.close();
    }
  });
});

describe("a session that began while redaction was off", () => {
  it("is hidden like any other from then on, its system messages and summaries too", async () => {
    await open({ STATEGATE_REDACTION__MODE: "off" });
    const planted = plantValues(9);
    const session = freshSession();
    const before = createTalker(gateway.client(), { session, replays: false, stream: true });
    await before.say({ role: "system", content: planted[0]?.sentence ?? "" }, user("hello"));
    for (const { sentence } of planted.slice(1)) await before.say(user(`${sentence} ${"and more ".repeat(60)}`));
    const strict = await startTestGateway({
      upstream: gateway.upstream,
      folder: gateway.folder,
      env: { STATEGATE_REDACTION__MODE: "upstream", ...earlyCuts },
    });
    try {
      gateway.upstream.reset();
      const after = createTalker(strict.client(), { session, replays: false, stream: true });
      const { content } = await after.say(user("[[echo]]"));
      for (const { value } of planted) expect(content).toContain(value);
      for (let turn = 0; turn < 12; turn += 1) {
        await after.say(user("and more ".repeat(90)));
        await strict.flush();
      }
      expect(JSON.stringify(sentMessages())).toContain("running summary");
      expectNothingSent(planted);
    } finally {
      await strict.close();
    }
  });
});

describe("a first turn that was stored while redaction was off, and is rewound into", () => {
  it.each([
    ["edited", [{ role: "assistant", content: "ok" }, user("something else")]],
    ["regenerated", [{ role: "assistant", content: "ok" }, user("hello")]],
  ] as const)("sends nothing in clear, and stores nothing so again: %s", async (mode, window) => {
    await open({ STATEGATE_REDACTION__MODE: "off" });
    const planted = plantValues(3);
    const session = freshSession();
    const secret = planted.map(({ sentence }) => sentence).join(" ");
    const opening = [user(secret), { role: "assistant", content: "ok" }, user("hello")];
    await sendChat(gateway, { model: "gpt-5", messages: opening }, { headers: onSession(session) });
    const strict = await startTestGateway({
      upstream: gateway.upstream,
      folder: gateway.folder,
      env: { STATEGATE_REDACTION__MODE: "upstream" },
    });
    try {
      gateway.upstream.reset();
      const answer = await sendChat(strict, { model: "gpt-5", messages: window }, { headers: onSession(session) });
      expect([answer.status, answer.headers.get("x-history-mode")]).toEqual([200, mode]);
      expect(JSON.stringify(sentMessages())).toMatch(PLACEHOLDER);
      expectNothingSent(planted);
      const again = [user(secret), ...window, { role: "assistant", content: "word0" }, user("and on")];
      const replay = await sendChat(strict, { model: "gpt-5", messages: again }, { headers: onSession(session) });
      expect(replay.headers.get("x-history-mode")).not.toBe("new");
      expectNothingSent(planted);
    } finally {
      await strict.close();
    }
    const storing = await startTestGateway({
      upstream: gateway.upstream,
      folder: gateway.folder,
      env: { STATEGATE_REDACTION__MODE: "store" },
    });
    try {
      const { text } = await send(storing, `/sessions/${session}/messages`);
      for (const { value } of planted) expect(text).not.toContain(value);
    } finally {
      await storing.close();
    }
  });
});

describe("store mode with values put back", () => {
  it.each([false, true])("gives a delta client its own values, sealed over a restart (stream: %s)", async (stream) => {
    await open({ STATEGATE_REDACTION__MODE: "store", STATEGATE_REDACTION__RESTORE: "session" });
    const planted = plantValues(9);
    const session = freshSession();
    const talker = createTalker(gateway.client(), { session, replays: false, stream });
    for (const { sentence } of planted) await talker.say(user(sentence));
    // What is new is sent as it is; what is stored is not.
    expect(JSON.stringify(sentMessages())).toContain(planted[0]?.value);
    await gateway.restart();
    const again = createTalker(gateway.client(), { session, replays: false, stream });
    const { content } = await again.say(user("[[echo]] [[shred]]"));
    expect(JSON.stringify(sentMessages().at(-1))).toMatch(PLACEHOLDER);
    for (const { value } of planted) {
      expect(content).toContain(value);
      expect(JSON.stringify(sentMessages().at(-1))).not.toContain(value);
    }
    expect(content).not.toMatch(PLACEHOLDER);
  });

  it("is off unless it is asked for: a placeholder stays one", async () => {
    await open({ STATEGATE_REDACTION__MODE: "store" });
    const talker = createTalker(gateway.client(), { session: freshSession(), replays: false, stream: true });
    await talker.say(user("write to jane.doe@example.com"));
    const { content } = await talker.say(user("[[echo]]"));
    expect(content).toMatch(PLACEHOLDER);
    expect(JSON.stringify(sentMessages().at(-1))).toContain("Never pass a placeholder to a tool.");
  });
});
