import { afterEach, describe, expect, it } from "vitest";

import { ask, chatsOf, freshSession, onSession, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const open: TestGateway[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((gateway) => gateway.close()));
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ env });
  open.push(gateway);
  return gateway;
}

const OPENAI = { STATEGATE_UPSTREAM__PROFILE: "openai" };
const ANTHROPIC = { STATEGATE_UPSTREAM__PROFILE: "anthropic-compatible" };
const MARK = { type: "ephemeral" };

interface SentBody {
  readonly prompt_cache_key?: string;
  readonly prompt_cache_retention?: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

const sentBytes = (gateway: TestGateway): string => chatsOf(gateway).at(-1)?.bytes.toString("utf8") ?? "";
const sent = (gateway: TestGateway): SentBody => JSON.parse(sentBytes(gateway)) as SentBody;
const marksIn = (gateway: TestGateway): number => sentBytes(gateway).split('"cache_control"').length - 1;

async function say(gateway: TestGateway, session: string, body: unknown, key = "sk-test-user-1"): Promise<SentBody> {
  const answer = await sendChat(gateway, body, { headers: onSession(session), key });
  expect(answer.status, answer.text).toBe(200);
  return sent(gateway);
}

/** Odd to the byte: what is sent on must be this. */
const body = `{ "model":"gpt-5" , "messages":[{"role":"user","content":"h\\u0069"}],"seed":1 }\n`;

describe("the key of a session's prompt cache", () => {
  it("is a hash, the same on every turn and in every replica, and another for another session or user", async () => {
    const gateway = await start(OPENAI);
    const session = freshSession();
    const { prompt_cache_key: first } = await say(gateway, session, ask("one"));
    expect(first).toMatch(/^[\w-]{43}$/);
    expect(first).not.toContain(session);
    expect((await say(gateway, session, ask("two"))).prompt_cache_key).toBe(first);
    await gateway.restart();
    expect((await say(gateway, session, ask("three"))).prompt_cache_key).toBe(first);
    const others = [
      await say(gateway, freshSession(), ask("one")),
      await say(gateway, session, ask("one"), "sk-other"),
    ];
    expect(new Set([first, ...others.map((other) => other.prompt_cache_key)]).size).toBe(3);
  });

  it("is all that is added; every byte of the client's stays", async () => {
    const gateway = await start(OPENAI);
    const { prompt_cache_key: key = "" } = await say(gateway, freshSession(), body);
    expect(sentBytes(gateway)).toBe(body.replace("{", `{"prompt_cache_key":"${key}",`));
    await say(gateway, freshSession(), body.replace('"seed":1', '"stream":true'));
    expect(sentBytes(gateway)).toMatch(
      /^\{"prompt_cache_key":"[\w-]{43}","stream_options":\{"include_usage":true\}, "mo/,
    );
  });

  it("goes with how long it is to be kept, where the configuration says so", async () => {
    const gateway = await start({ ...OPENAI, STATEGATE_UPSTREAM__PROMPT_CACHE__RETENTION: "24h" });
    expect(await say(gateway, freshSession(), ask("hi"))).toMatchObject({ prompt_cache_retention: "24h" });
    const own = ask("hi", { prompt_cache_retention: "in_memory", prompt_cache_key: null });
    await say(gateway, freshSession(), own);
    expect(sentBytes(gateway)).toBe(JSON.stringify(own));
  });

  it("is the client's where it sends one, also where that names the session", async () => {
    const gateway = await start({ ...OPENAI, STATEGATE_IDENTITY__SESSION_ID_FROM: "prompt_cache_key" });
    const named = ask("hi", { prompt_cache_key: "my-chat" });
    const answer = await sendChat(gateway, named);
    expect(answer.headers.get("x-session-id")).toBe("my-chat");
    expect(sentBytes(gateway)).toBe(JSON.stringify(named));
  });

  it("is sent to nobody who was not said to take it", async () => {
    for (const env of [{}, { STATEGATE_UPSTREAM__PROFILE: "none" }]) {
      const gateway = await start(env);
      const session = freshSession();
      await say(gateway, session, body);
      expect(sentBytes(gateway)).toBe(body);
      await say(gateway, session, ask("again"));
      expect(Object.keys(sent(gateway))).toEqual(["model", "messages"]);
    }
  });

  it.each([OPENAI, ANTHROPIC])(
    "and no other hint is sent without a session, or where the provider is to know little: %j",
    async (env) => {
      const plain = await start(env);
      await sendChat(plain, body);
      expect(sentBytes(plain)).toBe(body);
      const hiding = await start({ ...env, STATEGATE_REDACTION__MODE: "upstream" });
      const session = freshSession();
      await say(hiding, session, body);
      expect(sentBytes(hiding)).toBe(body);
      await say(hiding, session, ask("mail ada@example.org"));
      expect(sentBytes(hiding)).not.toMatch(/prompt_cache|cache_control/);
    },
  );
});

describe("the breakpoint", () => {
  const system = { role: "system", content: "Be brief." };
  const marked = (text: string) => [{ type: "text", text, cache_control: MARK }];

  it("stands on the last message that was there before, and moves on with the conversation", async () => {
    const gateway = await start(ANTHROPIC);
    const session = freshSession();
    const talk = (text: string) => ({ model: "gpt-5", messages: [system, { role: "user", content: text }] });
    await say(gateway, session, talk("[[len:3]] one"));
    expect(sent(gateway).messages).toEqual([
      { role: "system", content: marked("Be brief.") },
      { role: "user", content: "[[len:3]] one" },
    ]);
    await say(gateway, session, talk("[[len:4]] two"));
    const { messages } = sent(gateway);
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    expect(messages[0]).toEqual(system);
    expect(messages[2]?.content).toEqual(marked(expect.any(String) as string));
    expect(marksIn(gateway)).toBe(1);
  });

  it("passes by tool results and messages without a text", async () => {
    const gateway = await start(ANTHROPIC);
    const session = freshSession();
    const parts = [{ type: "text", text: "[[tool:look]]" }];
    const first = await sendChat(gateway, ask("", { messages: [{ role: "user", content: parts }] }), {
      headers: onSession(session),
    });
    expect(marksIn(gateway)).toBe(0);
    const { choices } = first.json<{ choices: { message: { tool_calls: { id: string }[] } }[] }>();
    const results = choices[0]?.message.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "42" }));
    await say(gateway, session, ask("", { messages: results }));
    expect(sent(gateway).messages[0]?.content).toEqual([{ type: "text", text: "[[tool:look]]", cache_control: MARK }]);
    await say(gateway, session, ask("[[len:2]] so?"));
    expect(marksIn(gateway)).toBe(1);
    expect(sent(gateway).messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "user"]);
    expect(sent(gateway).messages[3]?.content).toEqual(marked(expect.any(String) as string));
  });

  it("is left to a client that sets its own", async () => {
    const gateway = await start(ANTHROPIC);
    const session = freshSession();
    await say(gateway, session, ask("one"));
    await say(gateway, session, { model: "gpt-5", messages: [{ role: "user", content: marked("two") }] });
    expect(marksIn(gateway)).toBe(1);
    expect(sent(gateway).messages.at(-1)?.content).toEqual(marked("two"));
  });

  it("does not make a message another one: the client's replay is known again", async () => {
    const gateway = await start(ANTHROPIC);
    const session = freshSession();
    const one = { role: "user", content: "[[len:3]] one" };
    const answer = await sendChat(gateway, ask("", { messages: [one] }), { headers: onSession(session) });
    const said = answer.json<{ choices: { message: object }[] }>().choices[0]?.message;
    const replay = ask("", { messages: [one, said, { role: "user", content: "two" }] });
    const again = await sendChat(gateway, replay, { headers: onSession(session) });
    expect(again.headers.get("x-history-mode")).toBe("replay");
    expect(marksIn(gateway)).toBe(1);
  });
});
