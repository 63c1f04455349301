import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { send, type WireError } from "../support/http-calls.ts";
import { openRawConnection, type RawAnswer } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(
  async () =>
    void (gateway = await startTestGateway({
      env: {
        STATEGATE_HTTP__HEADERS_TIMEOUT_MS: "300",
        STATEGATE_HTTP__REQUEST_TIMEOUT_MS: "600",
        STATEGATE_HTTP__MAX_HEADER_BYTES: "2048",
      },
    })),
);
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const SECRET = "sk-very-secret";
const chat = (...lines: readonly string[]): string =>
  [`POST /v1/chat/completions HTTP/1.1`, "Host: gateway", `Authorization: Bearer ${SECRET}`, ...lines, "", ""].join(
    "\r\n",
  );

async function refusal(bytes: string): Promise<RawAnswer & { readonly code: string }> {
  const connection = await openRawConnection(gateway.origin);
  connection.write(bytes);
  const answer = await connection.answer();
  await connection.closed;
  return { ...answer, code: (JSON.parse(answer.body) as WireError).error.code };
}

function expectClean({ head, body }: RawAnswer): void {
  expect(head).toMatch(/\r\ncontent-type: application\/json\r\n/i);
  expect(head).toMatch(/\r\ncache-control: no-store\r\n/i);
  expect(head).toMatch(/\r\nconnection: close/i);
  expect(head + body).not.toContain(SECRET);
  expect(gateway.upstream.log).toEqual([]);
}

describe("what is no request is answered in the shape of every other failure, and the connection closed", () => {
  it.each([
    ["another protocol", `SSH-2.0-${SECRET}\r\n\r\n`],
    ["an impossible version", "GET / HTTP/9.9\r\n\r\n"],
    ["a header without a colon", chat(SECRET)],
    ["a space before the colon", chat(`X-Session-Id : ${SECRET}`)],
    ["a folded header", chat("X-Session-Id: a", ` ${SECRET}`)],
    ["a control character", chat("X-Session-Id: a\u0000b")],
    ["two lengths", chat("Content-Length: 5", "Content-Length: 6")],
    ["length and chunks", `${chat("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`],
    ["a length that is no number", chat("Content-Length: 5x")],
    ["chunks in an unknown coding", chat("Transfer-Encoding: chunked, gzip")],
    ["a bare line feed between headers", chat(`X-A: b\nX-Session-Id: ${SECRET}`)],
  ])("%s", async (_, bytes) => {
    const answer = await refusal(bytes);
    expect([answer.status, answer.code]).toEqual([400, "malformed_http"]);
    expectClean(answer);
  });

  it("headers beyond the limit", async () => {
    const answer = await refusal(chat(`X-Long: ${SECRET}${"x".repeat(4_096)}`));
    expect([answer.status, answer.code]).toEqual([431, "headers_too_large"]);
    expectClean(answer);
  });

  it("headers that never end", async () => {
    const answer = await refusal(`POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nX-Slow: ${SECRET}`);
    expect([answer.status, answer.code]).toEqual([408, "request_timeout"]);
    expectClean(answer);
  });

  it("a body that never ends", async () => {
    const answer = await refusal(`${chat("X-Session-Id: a", "Content-Length: 100")}{`);
    expect([answer.status, answer.code]).toEqual([408, "request_timeout"]);
    expectClean(answer);
  });
});

it("a request without a Host is refused in the same shape", async () => {
  const connection = await openRawConnection(gateway.origin);
  connection.write("GET /v1/models HTTP/1.1\r\n\r\n");
  const answer = await connection.answer();
  connection.close();
  expect([answer.status, (JSON.parse(answer.body) as WireError).error.code]).toEqual([400, "invalid_header"]);
});

it("garbage behind a request never gets into the answer that is on its way", async () => {
  const body = JSON.stringify({
    model: "gpt-5",
    stream: true,
    messages: [{ role: "user", content: "[[len:5]] [[stall:2]]" }],
  });
  const connection = await openRawConnection(gateway.origin);
  connection.write(`${chat("Content-Type: application/json", `Content-Length: ${body.length}`)}${body}`);
  expect(await connection.until("word0")).toContain("HTTP/1.1 200");
  connection.write("GARBAGE\r\n\r\n");
  await connection.closed;
  expect((await connection.until("word0")).match(/HTTP\/1\.1/g)).toHaveLength(1);
});

it("an answer may take longer than a request may", async () => {
  const slow = { model: "gpt-5", messages: [{ role: "user", content: "[[delay:1500]] [[len:1]]" }] };
  expect((await send(gateway, "/chat/completions", { method: "POST", body: slow })).status).toBe(200);
});
