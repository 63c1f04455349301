import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { errorCatalog } from "../../src/errors/error-catalog.ts";
import {
  ask,
  chatsOf,
  freshSession,
  onSession,
  send,
  sendChat,
  transcript,
  type WireError,
} from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const KEY = "sk-headers";
const body = JSON.stringify(ask("hi"));

/** A chat request written by hand; the model must not have been asked when it is refused. */
async function raw(
  headers: readonly string[],
  target = "/v1/chat/completions",
): Promise<{ status: number; code: string }> {
  const connection = await openRawConnection(gateway.origin);
  const head = [`POST ${target} HTTP/1.1`, ...headers, `Content-Length: ${body.length}`].join("\r\n");
  connection.write(`${head}\r\n\r\n${body}`);
  const answer = await connection.answer();
  connection.close();
  const code = answer.body === "" ? "" : ((JSON.parse(answer.body) as Partial<WireError>).error?.code ?? "");
  return { status: answer.status, code };
}

const common = ["Host: gateway", `Authorization: Bearer ${KEY}`, "Content-Type: application/json"];

async function expectNothingDone(): Promise<void> {
  expect(chatsOf(gateway)).toEqual([]);
  const { data } = (await send(gateway, "/sessions", { key: KEY })).json<{ data: unknown[] }>();
  expect(data).toEqual([]);
}

describe("a session id that is none", () => {
  it.each([
    ["empty", ""],
    ["of 129 characters", "x".repeat(129)],
    ["of 200 characters", "x".repeat(200)],
    ["with a space", "my chat"],
    ["with a tab", "my\tchat"],
    ["of letters beyond ASCII", "caf\u00e9"],
    ["of bytes beyond ASCII", Buffer.from("東京").toString("latin1")],
  ])("is refused: %s", async (_, id) => {
    expect(await raw([...common, `X-Session-Id: ${id}`])).toEqual({ status: 400, code: "invalid_session_id" });
    await expectNothingDone();
  });

  it.each(["a\u0000b", "a\u0007b", "a\rb", "a\u007fb"])(
    "is no header at all with a control character: %j",
    async (id) => {
      const connection = await openRawConnection(gateway.origin);
      const head = [
        "POST /v1/chat/completions HTTP/1.1",
        ...common,
        `X-Session-Id: ${id}`,
        `Content-Length: ${body.length}`,
      ];
      connection.write(`${head.join("\r\n")}\r\n\r\n${body}`);
      expect((await connection.answer()).status).toBe(400);
      connection.close();
      await expectNothingDone();
    },
  );

  it("cannot smuggle a header in: a line end begins another header, and nothing else", async () => {
    const session = freshSession();
    await raw([...common, `X-Session-Id: ${session}\r\nX-History-Mode: off`]);
    expect((await send(gateway, `/sessions/${session}`, { key: KEY })).status).toBe(404);
  });

  it("of 128 odd characters is one", async () => {
    const id = `~!"#$%&'()*+,-./:;<=>?@[]^_\`{|}`.padEnd(128, "x");
    const first = await sendChat(gateway, ask("[[len:1]]"), { headers: onSession(id) });
    expect(first.headers.get("x-session-id")).toBe(id);
    expect(await transcript(gateway, id)).toEqual(["user: [[len:1]]", "assistant: word0"]);
  });
});

describe("headers that say two things", () => {
  it.each([
    ["X-Session-Id", "conflicting_session_id"],
    ["X-User-Id", "invalid_header"],
    ["Idempotency-Key", "invalid_header"],
    ["Api-Key", "invalid_header"],
  ])("are refused: %s", async (name, code) => {
    expect(await raw([...common, "X-Session-Id: a", `${name}: a`, `${name.toLowerCase()}: b`])).toEqual({
      status: 400,
      code,
    });
    await expectNothingDone();
  });

  it("are refused: two credentials, two hosts, one of them twice", async () => {
    const refusal = { status: 400, code: "invalid_header" };
    expect(await raw([...common, "Authorization: Bearer sk-other", "X-Session-Id: a"])).toEqual(refusal);
    expect(await raw([...common, "Host: other", "X-Session-Id: a"])).toEqual(refusal);
    expect(await raw([...common, "Host: gateway", "X-Session-Id: a"])).toEqual(refusal);
    await expectNothingDone();
  });

  it("are one header when they say the same", async () => {
    const session = freshSession();
    const twice = ["X-Session-Id", "X-User-Id"].flatMap((name) => [`${name}: ${session}`, `${name}: ${session}`]);
    expect((await raw([...common, ...twice])).status).toBe(200);
    const read = await send(gateway, `/sessions/${session}`, { key: KEY, headers: { "x-user-id": session } });
    expect(read.status).toBe(200);
  });

  it("are refused where length and chunks disagree", async () => {
    const connection = await openRawConnection(gateway.origin);
    const head = ["POST /v1/chat/completions HTTP/1.1", ...common, "Content-Length: 5", "Transfer-Encoding: chunked"];
    connection.write(`${head.join("\r\n")}\r\n\r\n0\r\n\r\n`);
    expect((await connection.answer()).status).toBe(400);
    connection.close();
    await expectNothingDone();
  });
});

describe("headers with values that nobody knows", () => {
  it.each([
    ["X-History-Mode", "everything"],
    ["X-History-Mode", ""],
    ["X-History-Strategy", "guess"],
    ["X-History-Strategy", "full, window"],
    ["X-Session-Record", "maybe"],
    ["Idempotency-Key", ""],
    ["Idempotency-Key", "k".repeat(256)],
  ])("are refused by name: %s: %s", async (name, value) => {
    const headers = { "x-session-id": freshSession(), [name]: value };
    const answer = await sendChat(gateway, ask("hi"), { key: KEY, headers });
    const { error } = answer.json<WireError>();
    expect([answer.status, error.code, error.param]).toEqual([400, "invalid_header", name]);
    expect(error.message).toContain(name);
    await expectNothingDone();
  });

  it.each(["x".repeat(257), "", "a\u0001b"])("are refused: X-User-Id %j", async (user) => {
    const connection = await openRawConnection(gateway.origin);
    const head = ["POST /v1/chat/completions HTTP/1.1", ...common, "X-Session-Id: a", `X-User-Id: ${user}`];
    connection.write(`${head.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    expect((await connection.answer()).status).toBe(400);
    connection.close();
    await expectNothingDone();
  });

  it("that only count tries are not taken at their word", async () => {
    for (const count of ["-1", "1.5", "many", ""]) {
      const headers = onSession(freshSession(), { "x-stainless-retry-count": count });
      expect((await sendChat(gateway, ask("hi"), { headers })).status).toBe(200);
    }
  });
});

describe("a session id in the query", () => {
  it.each(["session_id=a", "a=b&SESSION-ID=c", "x-session-id=a", "sessionid"])("is refused: %s", async (query) => {
    expect(await raw([...common, "X-Session-Id: a"], `/v1/chat/completions?${query}`)).toEqual({
      status: 400,
      code: "session_id_in_query",
    });
    const elsewhere = await send(gateway, `/models?${query}`, { key: KEY });
    expect(elsewhere.json<WireError>().error.code).toBe("session_id_in_query");
    await expectNothingDone();
  });
});

describe("a session without a credential", () => {
  it.each([
    ["none", {}],
    ["an empty api-key", { "api-key": "" }],
  ])("is refused, and told what to send: %s", async (_, headers) => {
    const answer = await sendChat(gateway, ask("hi"), { key: undefined, headers: onSession("a", headers) });
    const { error } = answer.json<WireError>();
    expect([answer.status, error.code, error.type]).toEqual([401, "credential_missing", "authentication_error"]);
    expect(error.message).toContain("Authorization: Bearer");
    await expectNothingDone();
  });

  it.each(["GET /sessions", "POST /sessions", "GET /sessions/a", "DELETE /sessions/a", "GET /sessions/a/messages"])(
    "reads nothing: %s",
    async (route) => {
      const [method = "", path = ""] = route.split(" ");
      const answer = await send(gateway, path, { method, key: undefined });
      expect([answer.status, answer.json<WireError>().error.code]).toEqual([401, "credential_missing"]);
    },
  );

  it("Azure's api-key is a credential", async () => {
    const session = freshSession();
    const headers = onSession(session, { "api-key": "azure-1" });
    expect((await sendChat(gateway, ask("[[len:1]]"), { key: undefined, headers })).status).toBe(200);
    const read = await send(gateway, `/sessions/${session}`, { key: undefined, headers: { "api-key": "azure-1" } });
    expect(read.status).toBe(200);
  });
});

describe("every refusal", () => {
  it("carries the client's request id where it is plain, and one of its own where it is not", async () => {
    const named = await sendChat(gateway, "{", { headers: onSession("a", { "x-request-id": "client-7" }) });
    expect(named.headers.get("x-request-id")).toBe("client-7");
    const odd = await sendChat(gateway, "{", { headers: onSession("a", { "x-request-id": "<script>" }) });
    expect(odd.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
    expect(odd.headers.get("cache-control")).toBe("no-store");
  });

  it("shows nothing of what was sent", async () => {
    const secret = "sk-very-secret-value";
    const answers = await Promise.all([
      sendChat(gateway, `{"model":"${secret}`, { headers: onSession("a") }),
      sendChat(gateway, ask("hi"), { headers: onSession(`${secret} ${secret}`) }),
      sendChat(gateway, ask("hi"), { headers: onSession("a", { "x-history-mode": secret }) }),
      sendChat(gateway, ask("hi", { n: secret }), { headers: onSession("a") }),
    ]);
    for (const { text, status } of answers) {
      expect(status).toBe(400);
      expect(text).not.toContain(secret);
    }
  });

  it("has a status and a type of the catalogue", async () => {
    const answer = await sendChat(gateway, "{", { headers: onSession("a") });
    const { error } = answer.json<WireError>();
    const { status, type, publicMessage } = errorCatalog.body_not_json;
    expect([answer.status, error]).toEqual([
      status,
      { message: publicMessage, type, param: null, code: "body_not_json" },
    ]);
  });
});
