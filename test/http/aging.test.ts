import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { chatsOf, freshSession, onSession, send, sendChat, storedMessages } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
}

const NOTE = "[earlier tool result left out]";
/** OpenAI's image guide: four tiles of 170, and 85. */
const IMAGE_TOKENS = 765;
const LONG = "one more row of figures ".repeat(40);
const image = (serial: number): object => ({ type: "image_url", image_url: { url: `https://example.org/${serial}` } });

let now = Date.now();
let gateway: TestGateway;
beforeAll(async () => {
  const env = {
    STATEGATE_HISTORY__SUMMARY__MODE: "extractive",
    STATEGATE_HISTORY__FLOOR_TOKENS: "100000",
    STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "2",
    STATEGATE_HISTORY__AGING__TOOL_RESULTS: "1",
    STATEGATE_HISTORY__AGING__IMAGES: "1",
  };
  gateway = await startTestGateway({ env, clock: () => now });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

/** An agent that calls a tool on each turn: what it says next holds the result. */
async function work(session: string, turns: number, { replays }: { replays: boolean }): Promise<Message[]> {
  const spoken: Message[] = [];
  let fresh: Message[] = [{ role: "user", content: [{ type: "text", text: "[[tool:look]]" }, image(0)] }];
  for (let turn = 0; turn < turns; turn += 1) {
    const messages = replays ? [...spoken, ...fresh] : fresh;
    const answer = await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(session) });
    const { message } = answer.json<{ choices: { message: Message }[] }>().choices[0] as { message: Message };
    spoken.push(...fresh, message);
    const results = (message.tool_calls ?? []).map(({ id }) => ({ role: "tool", tool_call_id: id, content: LONG }));
    fresh = [...results, { role: "user", content: [{ type: "text", text: "[[tool:look]]" }, image(turn + 1)] }];
  }
  return fresh;
}

const sentMessages = (): Message[] => (chatsOf(gateway).at(-1)?.body as { messages: Message[] }).messages;
const resultsOf = (messages: readonly Message[]): unknown[] =>
  messages.filter(({ role }) => role === "tool").map(({ content }) => (content === NOTE ? "note" : "whole"));
const imagesIn = (messages: readonly Message[]): number => JSON.stringify(messages).split("image_url").length >> 1;
const onDelta = (session: string) => ({ headers: onSession(session, { "x-history-mode": "delta" }) });

interface ShownContext {
  readonly last_request: { readonly tokens: number; readonly billed_tokens: number };
  readonly next_request: {
    readonly segments: readonly {
      readonly messages: readonly {
        readonly role: string;
        readonly tokens: number;
        readonly aged_from_tokens?: number;
      }[];
    }[];
  };
}

describe.each([false, true])("old tool results and images of a session (replaying client: %s)", (replays) => {
  it("are sent as notes from the first cold request on, and stored whole", async () => {
    const session = freshSession();
    await work(session, 6, { replays });
    expect(resultsOf(sentMessages())).toEqual(["whole", "whole", "whole", "whole", "whole"]);
    expect(imagesIn(sentMessages())).toBe(6);
    const whole = await storedMessages(gateway, session);
    now += 3_600_000;
    const next = { role: "user", content: "and now?" };
    const history = whole.map(({ role, content, tool_calls: calls, tool_call_id: id }) => ({
      role,
      content,
      ...(calls !== undefined && { tool_calls: calls }),
      ...(id !== undefined && { tool_call_id: id }),
    }));
    const messages = replays ? [...history, next] : [next];
    const answer = await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(session) });
    expect(answer.headers.get("x-history-mode")).toBe(replays ? "replay" : "delta");
    // The last call was never answered: a stand-in takes the place of its result.
    expect(resultsOf(sentMessages())).toEqual(["note", "note", "note", "whole", "whole", "whole"]);
    expect(imagesIn(sentMessages())).toBe(2);
    expect(Number(answer.headers.get("x-tokens-saved"))).toBeGreaterThan(3_000);
    expect((await storedMessages(gateway, session)).slice(0, whole.length)).toEqual(whole);
    const cold = sentMessages();
    await sendChat(gateway, { model: "gpt-5", messages: [next] }, onDelta(session));
    expect(sentMessages().slice(0, cold.length)).toEqual(cold);
    const shown = (await send(gateway, `/sessions/${session}/context`)).json<ShownContext>();
    // The simulated model bills text only.
    expect(shown.last_request.tokens).toBe(shown.last_request.billed_tokens + 2 * IMAGE_TOKENS);
    const aged = shown.next_request.segments.flatMap((segment) =>
      segment.messages.filter((message) => message.aged_from_tokens !== undefined),
    );
    expect(aged.map(({ role }) => role)).toEqual(["user", "tool", "user", "tool", "user", "tool", "user"]);
    for (const { tokens, aged_from_tokens: before = 0 } of aged) expect(tokens * 3).toBeLessThan(before);
  });
});
