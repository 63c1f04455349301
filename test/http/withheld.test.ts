/** Promise P6: in upstream mode the provider is sent placeholders only, and the client gets its own values back. */
import type OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { afterEach, describe, expect, it } from "vitest";

import { freshSession, onSession, send } from "../support/http-calls.ts";
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
