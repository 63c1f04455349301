import type OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, chatsOf, freshSession, lastSent, lines, onSession, sendChat, transcript } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.reset();
  for (const [question, answer] of Object.entries(script)) gateway.upstream.script(question, answer);
});

const script = { one: "first", two: "second", three: "third", four: "fourth", "two, better": "second, better" };
const user = (content: string): Message => ({ role: "user", content });
const assistant = (content: string): Message => ({ role: "assistant", content });

/** Speaks on a session through the real client; resolves to what the gateway made of the request. */
async function say(session: string, messages: readonly Message[], more: { headers?: object; fields?: object } = {}) {
  const { data, response } = await gateway
    .client()
    .chat.completions.create(
      { model: "gpt-5", messages: [...messages], ...more.fields },
      { headers: onSession(session, { ...more.headers }) },
    )
    .withResponse();
  return { mode: response.headers.get("x-history-mode"), answer: data.choices[0]?.message, choices: data.choices };
}

/** A session in which "one" and "two" were said in delta mode. */
async function twoTurns(): Promise<string> {
  const session = freshSession();
  await say(session, [user("one")]);
  await say(session, [user("two")]);
  return session;
}
const twoExchanges = [user("one"), assistant("first"), user("two"), assistant("second")];
const spoken = lines(twoExchanges as { role: string; content: unknown }[]);

describe("a client that sends only what is new", () => {
  it("is answered by a model that knows the whole conversation", async () => {
    const session = freshSession();
    expect((await say(session, [user("one")])).mode).toBe("new");
    expect((await say(session, [user("two")])).mode).toBe("delta");
    expect((await say(session, [user("three")])).mode).toBe("delta");
    expect(lastSent(gateway)).toEqual([...spoken, "user: three"]);
    expect(await transcript(gateway, session)).toEqual([...spoken, "user: three", "assistant: third"]);
  });

  it("may say the same thing twice", async () => {
    const session = freshSession();
    await say(session, [user("one")]);
    await say(session, [user("one")]);
    expect(chatsOf(gateway)).toHaveLength(2);
    expect(await transcript(gateway, session)).toEqual([
      "user: one",
      "assistant: first",
      "user: one",
      "assistant: first",
    ]);
  });

  it("may stream, and finds the streamed answers in its history", async () => {
    const session = freshSession();
    const options = { headers: onSession(session) };
    for (const text of ["one", "two"]) {
      const stream = await gateway
        .client()
        .chat.completions.create({ model: "gpt-5", messages: [user(text)], stream: true }, options);
      let heard = "";
      for await (const { choices } of stream) heard += choices[0]?.delta.content ?? "";
      expect(heard).toBe(script[text as keyof typeof script]);
    }
    expect(lastSent(gateway)).toEqual(spoken.slice(0, 3));
    expect(await transcript(gateway, session)).toEqual(spoken);
  });

  it.each([false, true])("may call tools and send only their results (stream: %s)", async (stream) => {
    const session = freshSession();
    const body = { model: "gpt-5", messages: [user("[[tool:look_up]] [[tool:weather]] please")], stream };
    await sendChat(gateway, body, { headers: onSession(session) });
    const [, call] = await storedCalls(session);
    expect(call?.map(({ function: called }) => called)).toEqual([
      { name: "look_up", arguments: '{"query":"東京 😀"}' },
      { name: "weather", arguments: '{"query":"東京 😀"}' },
    ]);
    const results = (call ?? []).map(({ id }): Message => ({ role: "tool", tool_call_id: id, content: `of ${id}` }));
    // In the other order than they were asked: each belongs to its call by id.
    expect((await say(session, results.toReversed())).mode).toBe("delta");
    const { messages } = chatsOf(gateway).at(-1)?.body as { messages: { role: string; tool_call_id?: string }[] };
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool"]);
    expect(messages.slice(2).map((message) => message.tool_call_id)).toEqual(
      results.toReversed().map((message) => "tool_call_id" in message && message.tool_call_id),
    );
    await say(session, [user("one")]);
    expect(lastSent(gateway)).toHaveLength(6);
  });

  async function storedCalls(session: string) {
    const answer = await gateway
      .client()
      .get<{ data: { tool_calls?: { id: string; function: object }[] }[] }>(`/sessions/${session}/messages`);
    return answer.data.map((message) => message.tool_calls);
  }

  it("keeps its system prompt without sending it again, until it sends another", async () => {
    const session = freshSession();
    const system = (content: string): Message => ({ role: "system", content });
    await say(session, [system("Be brief."), user("one")]);
    await say(session, [user("two")]);
    expect(lastSent(gateway)).toEqual(["system: Be brief.", ...spoken.slice(0, 3)]);
    await say(session, [system("Be long."), user("three")]);
    await say(session, [user("four")]);
    expect(lastSent(gateway)).toEqual(["system: Be long.", ...spoken, "user: three", "assistant: third", "user: four"]);
    expect(await transcript(gateway, session)).not.toContainEqual(expect.stringMatching(/^system/));
  });

  it("may send its few-shot pairs in front of every message", async () => {
    const session = freshSession();
    const shots = [user("2+2"), assistant("4"), user("3+3"), assistant("6")];
    await say(session, [...shots, user("one")]);
    expect((await say(session, [...shots, user("two")])).mode).toBe("delta");
    const opening = ["user: 2+2", "assistant: 4", "user: 3+3", "assistant: 6"];
    expect(lastSent(gateway)).toEqual([...opening, ...spoken.slice(0, 3)]);
    expect(await transcript(gateway, session)).toEqual([...opening, ...spoken]);
  });

  it("has the model told that values were withheld, and reads how many", async () => {
    const session = freshSession();
    await say(session, [user("I am ada@example.com")]);
    const { headers } = await sendChat(gateway, ask("two"), { headers: onSession(session) });
    expect(headers.get("x-redactions-in-context")).toBe("2");
    const sent = lastSent(gateway);
    expect(sent[0]).toMatch(/^user: I am \[EMAIL_[0-9a-f]{8}\]$/);
    expect(sent.at(-1)).toMatch(/^user: two\n\n\[Note: .*placeholders/);
    expect((await transcript(gateway, session)).at(-2)).toBe("user: two");
  });
});

describe("a client that replays its history", () => {
  it("is not sent twice what it sends itself", async () => {
    const session = await twoTurns();
    expect((await say(session, [...twoExchanges, user("three")])).mode).toBe("replay");
    expect(lastSent(gateway)).toEqual([...spoken, "user: three"]);
    expect(await transcript(gateway, session)).toEqual([...spoken, "user: three", "assistant: third"]);
  });

  it("may send only the newest part of it", async () => {
    const session = await twoTurns();
    expect((await say(session, [...twoExchanges.slice(2), user("three")])).mode).toBe("replay");
    expect(lastSent(gateway)).toEqual([...spoken, "user: three"]);
    expect(await transcript(gateway, session)).toEqual([...spoken, "user: three", "assistant: third"]);
  });

  it("may edit an earlier message", async () => {
    const session = await twoTurns();
    expect((await say(session, [...twoExchanges.slice(0, 2), user("two, better")])).mode).toBe("edited");
    const edited = [...spoken.slice(0, 2), "user: two, better"];
    expect(lastSent(gateway)).toEqual(edited);
    expect(await transcript(gateway, session)).toEqual([...edited, "assistant: second, better"]);
  });

  it("may edit an answer", async () => {
    const session = await twoTurns();
    const changed = [user("one"), assistant("first, corrected"), user("two")];
    expect((await say(session, changed)).mode).toBe("edited");
    expect(await transcript(gateway, session)).toEqual([
      "user: one",
      "assistant: first, corrected",
      "user: two",
      "assistant: second",
    ]);
  });

  it("may ask for an answer again", async () => {
    const session = await twoTurns();
    gateway.upstream.script("two", "second, again");
    expect((await say(session, twoExchanges.slice(0, 3))).mode).toBe("regenerated");
    expect(lastSent(gateway)).toEqual(spoken.slice(0, 3));
    expect(await transcript(gateway, session)).toEqual([...spoken.slice(0, 3), "assistant: second, again"]);
  });

  it("may bring a conversation that began elsewhere", async () => {
    const session = freshSession();
    expect((await say(session, [...twoExchanges, user("three")])).mode).toBe("new");
    expect(await transcript(gateway, session)).toEqual([...spoken, "user: three", "assistant: third"]);
  });

  it("wins with a history of which nothing is stored", async () => {
    const session = await twoTurns();
    const other = [user("three"), assistant("third"), user("four")];
    expect((await say(session, other)).mode).toBe("edited");
    expect(await transcript(gateway, session)).toEqual([
      "user: three",
      "assistant: third",
      "user: four",
      "assistant: fourth",
    ]);
  });

  it("may begin anew, once it is known to replay", async () => {
    const session = await twoTurns();
    await say(session, [...twoExchanges, user("three")]);
    expect((await say(session, [user("four")])).mode).toBe("edited");
    expect(await transcript(gateway, session)).toEqual(["user: four", "assistant: fourth"]);
  });

  it("sees its own words go upstream, not the placeholders that are stored", async () => {
    const session = freshSession();
    const { answer } = await say(session, [user("I am ada@example.com")]);
    const replay = [user("I am ada@example.com"), assistant(String(answer?.content)), user("two")];
    expect((await say(session, replay)).mode).toBe("replay");
    expect(lastSent(gateway)).toEqual(lines(replay as { role: string; content: unknown }[]));
    expect((await transcript(gateway, session))[0]).toMatch(/\[EMAIL_/);
  });

  it("is recognised however its SDK prints what it sends back", async () => {
    const session = freshSession();
    await say(session, [user("one")]);
    const reprinted = [
      { role: "user", content: [{ type: "text", text: "one" }] },
      { refusal: null, role: "assistant", annotations: [], content: "first\n", audio: null, tool_calls: [] },
      { role: "user", content: "two" },
    ];
    const { headers } = await sendChat(
      gateway,
      { model: "gpt-5", messages: reprinted },
      { headers: onSession(session) },
    );
    expect(headers.get("x-history-mode")).toBe("replay");
    expect(await transcript(gateway, session)).toHaveLength(4);
  });
});
