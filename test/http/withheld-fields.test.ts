/** Upstream mode beyond plain conversations: every field, every route, every kind of repetition. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { ask, freshSession, onSession, send, sendChat, type WireError } from "../support/http-calls.ts";
import { plantValues } from "../support/planted-values.ts";
import { findInClear, readFolder } from "../support/resting-bytes.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const PLACEHOLDER = /\[[A-Z]+_[0-9a-f]{8}\]/g;
const EMAIL = "jane.doe@example.com";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: { STATEGATE_REDACTION__MODE: "upstream", STATEGATE_REDACTION__MAX_CHARACTERS: "20000" },
  });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const sentText = (): string => gateway.upstream.log.map(({ bytes }) => bytes.toString("utf8")).join("\n");

interface Completion {
  readonly choices: readonly {
    readonly message: {
      readonly content: string;
      readonly tool_calls?: readonly { readonly function: { readonly name: string } }[];
    };
  }[];
}

const contentOf = (text: string): string => (JSON.parse(text) as Completion).choices[0]?.message.content ?? "";

/** Every position of a request that can hold text, each with a sentence of its own. */
const fullRequest = (at: (position: number) => string): object => ({
  model: "gpt-5",
  messages: [
    { role: "system", content: at(0) },
    { role: "user", content: [{ type: "text", text: at(1) }], name: "ada", "x-note": { deep: [at(2)] } },
    {
      role: "assistant",
      content: at(3),
      tool_calls: [
        { id: "call_1", type: "function", function: { name: "look", arguments: JSON.stringify({ q: at(4) }) } },
      ],
    },
    { role: "tool", tool_call_id: "call_1", content: JSON.stringify({ found: at(5) }) },
    { role: "user", content: at(6) },
  ],
  tools: [
    {
      type: "function",
      function: {
        name: "look",
        description: at(7),
        parameters: { type: "object", properties: { [at(8)]: { enum: [at(9)], default: at(10) } } },
      },
    },
  ],
  metadata: { note: at(11), [at(12)]: "x" },
  user: at(13),
  safety_identifier: at(14),
  prediction: { type: "content", content: at(15) },
  response_format: { type: "json_schema", json_schema: { name: "a", description: at(16), schema: { const: at(17) } } },
  stop: [at(18)],
  web_search_options: { user_location: { approximate: { city: at(19) } } },
  stream_options: { note: at(20) },
  [at(21)]: 1,
  unknown_to_us: [[{ a: at(22) }], at(23)],
});

describe("no position of a request", () => {
  it.each([
    ["on a session", true, false],
    ["on a session, streamed", true, true],
    ["without a session", false, false],
    ["without a session, streamed", false, true],
  ])("takes a planted value to the provider: %s", async (_, named, stream) => {
    const planted = plantValues(24);
    const request = { ...fullRequest((position) => planted[position]?.sentence ?? ""), stream };
    const headers = { ...(named && onSession(freshSession())), "x-forwarded-for": "81.2.69.142", "x-note": EMAIL };
    const { status } = await sendChat(gateway, request, { headers });
    expect(status).toBe(200);
    const sent = sentText() + JSON.stringify(gateway.upstream.log.map(({ headers: sentHeaders }) => sentHeaders));
    expect(sent.match(PLACEHOLDER)?.length).toBeGreaterThanOrEqual(24);
    expect(planted.filter(({ value }) => sent.includes(value))).toEqual([]);
    expect(sent).not.toContain("81.2.69.142");
    expect(sent).not.toContain(EMAIL);
  });

  it("hides one in a key that stands twice, where the last one is harmless", async () => {
    const body = `{"model":"gpt-5","metadata":{"a":"${EMAIL}","a":"b"},"messages":[{"role":"user","content":"${EMAIL}","content":"hi"}]}`;
    for (const headers of [{}, onSession(freshSession())]) {
      expect((await sendChat(gateway, body, { headers })).status).toBe(200);
    }
    expect(sentText()).not.toContain(EMAIL);
  });

  it("is changed where nothing is found: every byte arrives as it was sent", async () => {
    const body = `{"seed": 4111111111111111,"model":"gpt-5","temperature":0.70,"logit_bias":{"50256":-100},"tools":[{ "type":"function","function":{"name":"look_up","parameters":{"type":"object"}}}],"messages":[{"role":"user","content":"hi"}]}`;
    await sendChat(gateway, body);
    await sendChat(gateway, body, { headers: onSession(freshSession()) });
    await send(gateway, "/responses", { method: "POST", body });
    expect(sentText()).toBe([body, body, body].join("\n"));
  });
});

describe("a tool whose name is a value", () => {
  it.each([false, true])("is called by its own name again (stream: %s)", async (stream) => {
    const tool = { type: "function", function: { name: "ask_123-45-6789", parameters: { type: "object" } } };
    const name = tool.function.name;
    const headers = onSession(freshSession());
    await sendChat(gateway, ask("hi", { tools: [tool] }), { headers });
    const hidden = /ask_SSN_[0-9a-f]{8}/.exec(sentText())?.[0];
    const { text } = await sendChat(gateway, ask(`go [[tool:${hidden}]]`, { tools: [tool], stream }), { headers });
    expect(text).toContain(`"name":"${name}"`);
    expect(text).not.toContain(hidden);
    expect(sentText()).not.toContain(name);
  });
});

describe("a request without a session", () => {
  it.each([false, true])("is answered with its own values (stream: %s)", async (stream) => {
    const { text, headers } = await sendChat(gateway, ask(`write to ${EMAIL} [[shred]] [[len:0]]`, { stream }));
    expect(headers.get("x-redactions-in-context")).toBe("1");
    expect(sentText()).not.toContain(EMAIL);
    const { text: echoed } = await sendChat(gateway, ask(`write to ${EMAIL} [[echo]]`));
    expect(contentOf(echoed)).toContain(EMAIL);
    expect(text).not.toMatch(PLACEHOLDER);
  });

  it("gives a value another name each time", async () => {
    await sendChat(gateway, ask(EMAIL));
    await sendChat(gateway, ask(EMAIL));
    expect(new Set(sentText().match(PLACEHOLDER)).size).toBe(2);
  });
});

describe("placeholders that are not a session's own", () => {
  it("stay as they are: of another session, of another user, or invented", async () => {
    const session = freshSession();
    await sendChat(gateway, ask(EMAIL), { headers: onSession(session) });
    const [foreign] = sentText().match(PLACEHOLDER) ?? [];
    const said = `${foreign} [EMAIL_00000000] [[shred]]`;
    for (const [key, headers] of [
      ["sk-test-user-1", onSession(freshSession())],
      ["sk-test-user-2", onSession(session)],
      ["sk-test-user-1", {}],
    ] as const) {
      const { text } = await sendChat(gateway, ask(said), { key, headers });
      expect(contentOf(text)).toContain(`You said: ${said}`);
      expect(text).not.toContain(EMAIL);
    }
    const { text: own } = await sendChat(gateway, ask(said), { headers: onSession(session) });
    expect(contentOf(own)).toContain(`You said: ${EMAIL} [EMAIL_00000000]`);
  });
});

describe("an answer that is given again", () => {
  it.each([false, true])("has its values again, as it was and from the store (stream: %s)", async (stream) => {
    const headers = onSession(freshSession(), { "idempotency-key": `once ${stream}` });
    const request = { headers };
    const body = ask(`write to ${EMAIL} [[shred]]`, { stream });
    const first = await sendChat(gateway, body, request);
    const again = await sendChat(gateway, body, request);
    expect(again.headers.get("x-stategate-repeat")).toBe("true");
    expect(again.text).toBe(first.text);
    await gateway.restart();
    const stored = await sendChat(gateway, body, request);
    expect(stored.headers.get("x-session-degraded")).toBe("stored_form");
    expect(stored.text).toContain(EMAIL);
    expect(stored.text).not.toMatch(PLACEHOLDER);
  });
});

describe("other routes", () => {
  it("are sent JSON without personal data, a caller's placeholders always the same", async () => {
    const body = { model: "text-embedding-3-small", input: [`write to ${EMAIL}`, "plain"], user: EMAIL };
    for (let time = 0; time < 2; time += 1) {
      expect((await send(gateway, "/embeddings", { method: "POST", body })).status).toBe(200);
    }
    expect(sentText()).not.toContain(EMAIL);
    expect(new Set(sentText().match(PLACEHOLDER)).size).toBe(1);
    await send(gateway, "/embeddings", { method: "POST", body, key: "sk-test-user-2" });
    expect(new Set(sentText().match(PLACEHOLDER)).size).toBe(2);
  });

  it("refuse what cannot be read, and ask nobody", async () => {
    const form = {
      method: "POST",
      body: `--x\r\n\r\n${EMAIL}\r\n--x--`,
      headers: { "content-type": "multipart/form-data; boundary=x" },
    };
    const { status, ...answer } = await send(gateway, "/files", form);
    expect(status).toBe(403);
    expect(answer.json<WireError>().error.code).toBe("route_not_redactable");
    const broken = await send(gateway, "/responses", { method: "POST", body: `{"input":"${EMAIL}"` });
    expect(broken.status).toBe(400);
    expect(gateway.upstream.log).toEqual([]);
  });

  it("without a body pass", async () => {
    expect((await send(gateway, "/models")).status).toBe(200);
  });
});

describe("what cannot be checked", () => {
  it("is not sent on: 503, and nothing reaches the provider", async () => {
    const long = "word ".repeat(5_000);
    const answers = [
      await sendChat(gateway, ask(long), { headers: onSession(freshSession()) }),
      await sendChat(gateway, ask(long)),
      await sendChat(gateway, ask("hi", { metadata: { long } })),
      await send(gateway, "/embeddings", { method: "POST", body: { input: long } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(answers.map((answer) => answer.json<WireError>().error.code)).toEqual(answers.map(() => "redaction_failed"));
    expect(gateway.upstream.log).toEqual([]);
  });
});

describe("what rests", () => {
  it("holds no value in clear, the sealed map included", async () => {
    const planted = plantValues(18);
    const session = freshSession();
    for (const { sentence } of planted)
      await sendChat(gateway, ask(`${sentence} [[shred]]`), { headers: onSession(session) });
    const bytes = await readFolder(gateway.folder);
    expect(
      findInClear(
        bytes,
        planted.map(({ value }) => value),
      ),
    ).toEqual([]);
  });

  it("is gone with its session: a new one of the same name restores nothing", async () => {
    const session = freshSession();
    await sendChat(gateway, ask(EMAIL), { headers: onSession(session) });
    const [placeholder] = sentText().match(PLACEHOLDER) ?? [];
    expect((await send(gateway, `/sessions/${session}`, { method: "DELETE" })).status).toBe(200);
    const { text } = await sendChat(gateway, ask(`${placeholder} again`), { headers: onSession(session) });
    expect(contentOf(text)).toContain(`You said: ${placeholder} again`);
  });
});
