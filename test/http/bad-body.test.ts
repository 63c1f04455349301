import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { errorCatalog } from "../../src/errors/error-catalog.ts";
import { ask, chatsOf, freshSession, onSession, send, sendChat, type WireError } from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const MAX_BODY_BYTES = 4_000_000;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: {
      STATEGATE_HTTP__MAX_BODY_BYTES: String(MAX_BODY_BYTES),
      STATEGATE_HTTP__MAX_KEYS: "1000",
      STATEGATE_HTTP__MAX_VALUES: "2000",
    },
  });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

let caller = 0;
/** Sends a body on a session of a caller of its own; checks that it left no trace; resolves to the refusal. */
async function refused(body: unknown, headers: Record<string, string> = {}): Promise<[number, string, string | null]> {
  const key = `sk-caller-${(caller += 1)}`;
  const answer = await sendChat(gateway, body, { key, headers: onSession(freshSession(), headers) });
  await expectNoTrace(key);
  const { error } = answer.json<WireError>();
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(answer.headers.get("x-request-id")).not.toBeNull();
  expect(Object.keys(errorCatalog)).toContain(error.code);
  expect([typeof error.message, typeof error.type]).toEqual(["string", "string"]);
  return [answer.status, error.code, error.param];
}

async function expectNoTrace(key: string): Promise<void> {
  expect(chatsOf(gateway)).toEqual([]);
  const { data } = (await send(gateway, "/sessions", { key })).json<{ data: unknown[] }>();
  expect(data).toEqual([]);
}

const message = (fields: object): object => ({ model: "gpt-5", messages: [{ role: "user", content: "hi" }, fields] });
const chat = '"model":"gpt-5","messages":[{"role":"user","content":"hi"}]';

describe("a body that is not JSON", () => {
  it.each([
    ["nothing", ""],
    ["white space", " \n"],
    ["text", "hello"],
    ["a list", "[]"],
    ["a string", '"hi"'],
    ["null", "null"],
    ["broken off", `{${chat}`],
    ["broken off in a string", '{"model":"gpt-5'],
    ["broken off in an escape", '{"model":"gpt-5\\'],
    ["something behind its end", `{${chat}} x`],
    ["two bodies", `{${chat}}{${chat}}`],
    ["a comma too many", `{${chat},}`],
    ["a comma too many among messages", '{"model":"gpt-5","messages":[{"role":"user","content":"hi"},]}'],
    ["a comma missing", '{"model":"gpt-5" "messages":[]}'],
    ["brackets of two kinds", '{"model":"gpt-5","messages":[],"x":[}]}'],
    ["single quotes", "{'model':'gpt-5'}"],
    ["a comment", `{${chat} /* no */}`],
    ["a number with a leading zero", `{${chat},"n":01}`],
    ["NaN", `{${chat},"temperature":NaN}`],
    ["a raw line end in a string", `{"model":"gpt\n5","messages":[]}`],
    ["a key without quotes", "{model:1}"],
    ["a byte order mark", `\uFEFF{${chat}}`],
    ["UTF-16", Buffer.from(`{${chat}}`, "utf16le")],
    ["bytes of nothing", Buffer.from([0xff, 0xfe, 0x00])],
  ])("is refused: %s", async (_, body) => {
    expect(await refused(body)).toEqual([400, "body_not_json", null]);
  });
});

describe("a body of the wrong shape", () => {
  it.each<[string, object]>([
    ["model", { messages: [] }],
    ["model", { model: "", messages: [] }],
    ["model", { model: 5, messages: [] }],
    ["model", { model: null, messages: [] }],
    ["messages", { model: "gpt-5" }],
    ["messages", { model: "gpt-5", messages: "hi" }],
    ["messages", { model: "gpt-5", messages: { role: "user" } }],
    ["messages", { model: "gpt-5", messages: null }],
    ["stream", ask("hi", { stream: "yes" })],
    ["stream", ask("hi", { stream: 1 })],
    ["n", ask("hi", { n: 0 })],
    ["n", ask("hi", { n: 129 })],
    ["n", ask("hi", { n: 1.5 })],
    ["n", ask("hi", { n: "2" })],
    ["messages[1]", { model: "gpt-5", messages: [{ role: "user", content: "hi" }, "hello"] }],
    ["messages[1]", { model: "gpt-5", messages: [{ role: "user", content: "hi" }, null] }],
    ["messages[1]", { model: "gpt-5", messages: [{ role: "user", content: "hi" }, []] }],
    ["messages[1].role", message({ content: "hi" })],
    ["messages[1].role", message({ role: "", content: "hi" })],
    ["messages[1].role", message({ role: 1, content: "hi" })],
    ["messages[1].content", message({ role: "user", content: 5 })],
    ["messages[1].content", message({ role: "user", content: { text: "hi" } })],
    ["messages[1].content[0].type", message({ role: "user", content: ["hi"] })],
    ["messages[1].content[0].type", message({ role: "user", content: [null] })],
    [
      "messages[1].content[1].text",
      message({
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: 1 },
        ],
      }),
    ],
    ["messages[1].tool_calls", message({ role: "assistant", tool_calls: {} })],
    ["messages[1].tool_calls[0].id", message({ role: "assistant", tool_calls: [{}] })],
    ["messages[1].tool_calls[0].id", message({ role: "assistant", tool_calls: [null] })],
    [
      "messages[1].tool_calls[0].function",
      message({ role: "assistant", tool_calls: [{ id: "1", function: { name: 1, arguments: "" } }] }),
    ],
    [
      "messages[1].tool_calls[0].function",
      message({ role: "assistant", tool_calls: [{ id: "1", function: { name: "f", arguments: {} } }] }),
    ],
    ["messages[1].tool_call_id", message({ role: "tool", content: "x", tool_call_id: 5 })],
  ])("is refused by the name of its field: %s", async (param, body) => {
    expect(await refused(body)).toEqual([400, "invalid_request", param]);
  });

  it("a key that stands twice at the top, also written in two ways", async () => {
    expect(await refused(`{${chat},"model":"gpt-4"}`)).toEqual([400, "invalid_request", "model"]);
    expect(await refused(`{${chat},"mod\\u0065l":"gpt-4"}`)).toEqual([400, "invalid_request", "model"]);
    expect(await refused(`{"messages":[],${chat}}`)).toEqual([400, "invalid_request", "messages"]);
  });

  it("what only the provider can judge is left to the provider", async () => {
    const { status, text } = await sendChat(
      gateway,
      { model: "gpt-5", messages: [] },
      { headers: onSession(freshSession()) },
    );
    expect(status).toBe(400);
    expect(text).toContain("empty array");
  });
});

describe("a body made to hurt", () => {
  const nested = (open: string, depth: number): string => open.repeat(depth);

  it.each([
    ["lists in a message", `{"model":"gpt-5","messages":[{"role":"user","content":${nested("[", 1_000_000)}`],
    ["lists in another field", `{${chat},"x":${nested("[", 1_000_000)}`],
    ["objects", `{${chat},"x":${nested('{"a":', 600_000)}`],
    ["lists that close again", `{${chat},"x":${nested("[", 1_000_000)}${nested("]", 1_000_000)}}`],
  ])("is refused for its depth: a million %s", async (_, body) => {
    expect(await refused(body)).toEqual([400, "body_too_deep", null]);
  });

  it("is refused for its number of keys, wherever they stand", async () => {
    const keys = Array.from({ length: 1_000 }, (_, at) => `"k${at}":0`).join();
    expect(await refused(`{${chat},${keys}}`)).toEqual([400, "body_too_many_keys", null]);
    expect(await refused(`{${chat},"x":{${keys}}}`)).toEqual([400, "body_too_many_keys", null]);
    const message = `{"role":"user","content":"hi",${keys}}`;
    expect(await refused(`{"model":"gpt-5","messages":[${message}]}`)).toEqual([400, "body_too_many_keys", null]);
  });

  it.each(["[]", "0", '""', "null", '{"a":0}'])("is refused for its list, wherever it stands: %s", async (item) => {
    const list = `[${Array.from({ length: item === '{"a":0}' ? 1_000 : 2_000 }, () => item).join()}]`;
    expect(await refused(`{${chat},"x":${list}}`)).toEqual([400, "body_too_many_keys", null]);
    const message = `{"role":"user","content":"hi","x":${list}}`;
    expect(await refused(`{"model":"gpt-5","messages":[${message}]}`)).toEqual([400, "body_too_many_keys", null]);
    expect(await refused(`{"model":"gpt-5","messages":${list}}`)).toEqual([400, "body_too_many_keys", null]);
  });

  it("is read when it only looks full: commas inside strings, and many messages with little in each", async () => {
    const messages = Array.from({ length: 300 }, () => ({ role: "user", content: ",:[{".repeat(1_000) }));
    const { status } = await sendChat(gateway, { model: "gpt-5", messages }, { headers: onSession(freshSession()) });
    expect(status).toBe(200);
  });

  it("is read when it only looks deep: brackets inside strings", async () => {
    const { status } = await sendChat(gateway, ask(`${"[{".repeat(10_000)}"\\`), {
      headers: onSession(freshSession()),
    });
    expect(status).toBe(200);
  });

  it("may name the prototype of everything", async () => {
    const body = `{${chat},"__proto__":{"stream":true},"constructor":{"prototype":{"n":5}}}`;
    const { status } = await sendChat(gateway, body, { headers: onSession(freshSession()) });
    expect(status).toBe(200);
    expect(gateway.upstream.log.at(-1)?.bytes.toString()).toBe(body);
    expect(({} as Record<string, unknown>)["stream"]).toBeUndefined();
  });
});

describe("a body that is too large", () => {
  const head = (fields: string): string =>
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-large\r\nX-Session-Id: large\r\n` +
    `Content-Type: application/json\r\n${fields}\r\n\r\n`;
  const small = JSON.stringify(ask("hi"));
  const codeOf = (body: string): string => (JSON.parse(body) as WireError).error.code;

  it("by its content-length is refused before it is sent", async () => {
    const connection = await openRawConnection(gateway.origin);
    connection.write(head(`Content-Length: ${MAX_BODY_BYTES + 1}`));
    const { status, body } = await connection.answer();
    expect([status, codeOf(body)]).toEqual([413, "body_too_large"]);
    await expectNoTrace("sk-large");
    connection.close();
  });

  it.each([
    ["without a session", {}],
    ["on a session", onSession("large")],
  ])("is refused to an ordinary client %s", async (_, headers) => {
    const body = ask("x".repeat(MAX_BODY_BYTES));
    const answer = await sendChat(gateway, body, { key: "sk-large", headers });
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([413, "body_too_large"]);
    await expectNoTrace("sk-large");
  });

  it("by what arrives in chunks is refused while it is sent, and the connection serves the next request or closes", async () => {
    const connection = await openRawConnection(gateway.origin);
    connection.write(head("Transfer-Encoding: chunked"));
    const chunk = `${(1 << 20).toString(16)}\r\n${"x".repeat(1 << 20)}\r\n`;
    for (let sent = 0; sent <= MAX_BODY_BYTES; sent += 1 << 20) connection.write(chunk);
    const { status, body } = await connection.answer();
    expect([status, codeOf(body)]).toEqual([413, "body_too_large"]);
    connection.write("0\r\n\r\n");
    connection.write(`${head(`Content-Length: ${small.length}`)}${small}`);
    const next = await connection.answer().catch(() => undefined);
    expect(next?.status ?? "closed").toSatisfy((result: unknown) => result === 200 || result === "closed");
    connection.close();
  });

  it("of exactly the limit is taken", async () => {
    const frame = JSON.stringify(ask("")).length;
    const { status } = await sendChat(gateway, ask("x".repeat(MAX_BODY_BYTES - frame)), { key: "sk-a" });
    expect(status).toBe(200);
  });

  it("for a new session is refused as well", async () => {
    const answer = await send(gateway, "/sessions", {
      method: "POST",
      body: `{"title":"${"x".repeat(MAX_BODY_BYTES)}"}`,
    });
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([413, "body_too_large"]);
  });
});

describe("a body in another encoding", () => {
  it.each(["gzip", "br", "deflate", "zstd"])("is refused: %s", async (encoding) => {
    expect(await refused(ask("hi"), { "content-encoding": encoding })).toEqual([
      415,
      "body_encoding_unsupported",
      null,
    ]);
  });

  it("identity is none", async () => {
    const headers = onSession(freshSession(), { "content-encoding": "identity" });
    expect((await sendChat(gateway, ask("hi"), { headers })).status).toBe(200);
  });
});

describe("a body that never ends", () => {
  it("costs a request and leaves no trace when its client gives up", async () => {
    const connection = await openRawConnection(gateway.origin);
    connection.write(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-half\r\nX-Session-Id: half\r\n" +
        `Content-Length: 1000\r\n\r\n${JSON.stringify(ask("hi")).slice(0, 20)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.close();
    await connection.closed;
    await expectNoTrace("sk-half");
  });
});
