/** R13: what no client would send. Nothing crashes, and no request hides a second one from one of two readers. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { createAttackFigures } from "../support/attack-figures.ts";
import { ask, freshSession, onSession, sendChat, USER_KEY } from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway({ env: { STATEGATE_STORE: "memory:" } })));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const outer = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "[[len:1]] outer" }] });
const inner = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "[[len:1]] hidden" }] });
const hidden = [
  "POST /v1/chat/completions HTTP/1.1",
  "Host: gateway",
  `Authorization: Bearer ${USER_KEY}`,
  `Content-Length: ${inner.length}`,
  "",
  inner,
].join("\r\n");
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const chunked = `${chunk(outer)}0\r\n\r\n`;

const head = (...lines: string[]): string =>
  ["POST /v1/chat/completions HTTP/1.1", "Host: gateway", `Authorization: Bearer ${USER_KEY}`, ...lines].join("\r\n");
const get = (target: string, ...lines: string[]): string =>
  [`GET ${target} HTTP/1.1`, "Host: gateway", `Authorization: Bearer ${USER_KEY}`, ...lines, "", ""].join("\r\n");
const withBody = (body: string, ...lines: string[]): string => `${head(...lines)}\r\n\r\n${body}`;
const length = (body: string): string => `Content-Length: ${Buffer.byteLength(body)}`;

/** Two lengths, in every spelling that one reader might take and another not. The hidden request stands where they differ. */
const framings: readonly string[] = [
  withBody(`0\r\n\r\n${hidden}`, "Content-Length: 4", "Transfer-Encoding: chunked"),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: chunked", length(outer)),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: identity, chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: chunked, identity"),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: xchunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding : chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, " Transfer-Encoding: chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding:\tchunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: \u000bchunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer-Encoding: chunked\u000b", length(chunked)),
  withBody(`${chunked}${hidden}`, "X: y\r\n Transfer-Encoding: chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "X: y\nTransfer-Encoding: chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer\u0000-Encoding: chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, "Transfer_Encoding: chunked", length(chunked)),
  withBody(`${chunked}${hidden}`, 'Transfer-Encoding: "chunked"', length(chunked)),
  withBody(`${chunked}${hidden}`, "transfer-encoding: CHUNKED", "content-length: 0"),
  withBody(outer + hidden, length(outer), "Content-Length: 0"),
  withBody(outer + hidden, length(outer), length(outer + hidden)),
  withBody(outer + hidden, `Content-Length: ${outer.length}, ${outer.length}`),
  withBody(outer + hidden, `Content-Length: ${outer.length},0`),
  withBody(outer + hidden, `Content-Length: +${outer.length}`),
  withBody(outer + hidden, "Content-Length: -1"),
  withBody(outer + hidden, `Content-Length: 0x${outer.length.toString(16)}`),
  withBody(outer + hidden, `Content-Length: ${outer.length} ${outer.length}`),
  withBody(outer + hidden, `Content-Length: ${outer.length}\u0000`),
  withBody(outer + hidden, "Content-Length: 99999999999999999999999"),
  withBody(outer + hidden, "Content-Length: 1e3"),
  withBody(outer + hidden, "Content-Length:"),
  withBody(outer + hidden, `Content-Length : ${outer.length}`),
  withBody(`0x${chunked}${hidden}`, "Transfer-Encoding: chunked"),
  withBody(`${outer.length.toString(16)};a=b\r\n${outer}\r\n0\r\n\r\n${hidden}`, "Transfer-Encoding: chunked"),
  withBody(`${outer.length.toString(16)}\n${outer}\n0\n\n${hidden}`, "Transfer-Encoding: chunked"),
  withBody(
    `${outer.length.toString(16)}\r\n${outer}\r\n0\r\nContent-Length: 5\r\n\r\n${hidden}`,
    "Transfer-Encoding: chunked",
  ),
  withBody(`-1\r\n${hidden}`, "Transfer-Encoding: chunked"),
  withBody(`FFFFFFFFFFFFFFFFF\r\n${outer}\r\n0\r\n\r\n${hidden}`, "Transfer-Encoding: chunked"),
  withBody(`${(outer.length - 1).toString(16)}\r\n${outer}\r\n0\r\n\r\n${hidden}`, "Transfer-Encoding: chunked"),
  withBody(`\r\n${chunked}${hidden}`, "Transfer-Encoding: chunked"),
];

/** Request lines, headers and targets that are none. */
const malformed: readonly string[] = [
  "\r\n\r\n\r\n",
  "GET / HTTP/9.9\r\nHost: gateway\r\n\r\n",
  "GET /v1/sessions\r\nHost: gateway\r\n\r\n",
  "GET  /v1/sessions  HTTP/1.1\r\nHost: gateway\r\n\r\n",
  "get /v1/sessions HTTP/1.1\r\nHost: gateway\r\n\r\n",
  "CONNECT example.org:443 HTTP/1.1\r\nHost: gateway\r\n\r\n",
  "TRACE /v1/sessions HTTP/1.1\r\nHost: gateway\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: gateway\r\n\r\n",
  "GET /v1/sessions HTTP/1.1\r\n\r\n",
  "GET /v1/sessions HTTP/1.1\r\nHost:\r\n\r\n",
  "GET /v1/sessions HTTP/1.1\r\nHost: a b\r\n\r\n",
  "GET /v1/sessions HTTP/1.1\r\nHost: evil@gateway\r\n\r\n",
  "GET /v1/sessions HTTP/1.1\r\nHost: gateway/../x\r\n\r\n",
  "\u0016\u0003\u0001\u0002\u0000\u0001\u0000",
  get("/v1/sessions\u0000"),
  get("/v1/sessions%00"),
  get("/v1/sessions/%"),
  get("/v1/sessions/%zz"),
  get("/v1/sessions/%c0%ae%c0%ae/x"),
  get("/v1/../admin/audit"),
  get("/v1/sessions/..%2f..%2fadmin"),
  get("//evil.example/v1/sessions"),
  get("/\\evil.example/v1/sessions"),
  get("http://evil.example/v1/sessions"),
  get("https://user:pass@evil.example/v1/models"),
  get("/v1;x=y/sessions"),
  get("/V1/SESSIONS"),
  get("/v1/sessions/"),
  get(`/v1/sessions/${"a/".repeat(4000)}`),
  get("/v1/sessions", "X: \u0001"),
  get("/v1/sessions", "X: a\rb"),
  get("/v1/sessions", ": empty"),
  get("/v1/sessions", "X"),
  get("/v1/sessions", "X\u0000: y"),
  get("/v1/sessions", "__proto__: polluted"),
  get("/v1/sessions", "constructor: polluted"),
  get("/v1/sessions", "Expect: 200-ok"),
  get(
    "/v1/sessions",
    "Upgrade: h2c",
    "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
  ),
  get("/v1/sessions", "Connection: close, Authorization"),
  get("/v1/sessions", "X-Original-Url: /admin/audit", "X-Rewrite-Url: /admin/audit"),
  get("/v1/sessions", "X-Http-Method-Override: DELETE"),
  get("/v1/sessions", ...Array.from({ length: 2_500 }, (_, index) => `X-${index}: y`)),
  get("/v1/sessions", `X: ${"y".repeat(70_000)}`),
];

const isEncoding = (name: string): boolean => /^transfer[^a-z]*encoding$/i.test(name) && name !== "transfer-encoding";

/** Everything a connection is answered with until it is closed, or one answer has come and the other side waits. */
async function attack(bytes: string): Promise<number[]> {
  const connection = await openRawConnection(gateway.origin);
  connection.write(Buffer.from(bytes, "latin1"));
  // A request behind it shows where the gateway believes the first one to end.
  connection.write(get("/healthz", "Connection: close"));
  const statuses: number[] = [];
  const read = async (): Promise<void> => {
    for (;;) statuses.push((await connection.answer()).status);
  };
  const patience = new Promise<void>((resolve) => setTimeout(resolve, 1_000).unref());
  await Promise.race([read().catch(() => undefined), connection.closed, patience]);
  connection.close();
  return statuses;
}

it("no framing hides a request from the gateway, or from what stands behind it", { timeout: 120_000 }, async () => {
  const figures = createAttackFigures();
  for (const bytes of framings) {
    gateway.upstream.reset();
    const statuses = await attack(bytes);
    figures.count(statuses[0] ?? 0, JSON.stringify(bytes.slice(0, 200)));
    const asked = gateway.upstream.log.map(({ bytes: body }) => body.toString("utf8"));
    // A spelling that only some readers take for an encoding must not travel on.
    for (const { headers } of gateway.upstream.log) expect(Object.keys(headers).filter(isEncoding)).toEqual([]);
    // Two readers that agree may see one request, or two of them one after another, but never the two in one.
    for (const body of asked) expect([outer, inner, chunked]).toContain(body);
    expect(asked.filter((body) => body === outer).length).toBeLessThanOrEqual(1);
    // What was refused has no second half: a connection whose framing is in doubt is closed.
    if (!asked.includes(outer) && !asked.includes(chunked)) expect(asked).toEqual([]);
  }
  figures.report("smuggling", framings.length);
});

it("what is not HTTP is refused, and the gateway lives on", { timeout: 120_000 }, async () => {
  const figures = createAttackFigures();
  for (const bytes of malformed) {
    const [first = 0] = await attack(bytes);
    figures.count(first, JSON.stringify(bytes.slice(0, 200)));
    // Absolute forms, hosts and override headers lead nowhere else: what goes on is what was asked for, below the base URL.
    for (const { path, method } of gateway.upstream.log) {
      expect(path).toMatch(/^\/v1\//);
      expect(method).toBe("GET");
    }
    gateway.upstream.reset();
  }
  figures.report("malformed HTTP", malformed.length);
  const alive = await sendChat(gateway, ask("[[len:1]] hi"), { headers: onSession(freshSession()) });
  expect(alive.status).toBe(200);
});
