import { Readable } from "node:stream";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import { Secret } from "../../../src/kit/secret.ts";
import type { Upstream } from "../../../src/upstream/upstream.ts";
import {
  chatRequest,
  exchange,
  okAnswer,
  openTestUpstream,
  type RawServer,
  startRawServer,
} from "./upstream-harness.ts";

let simulated: SimulatedUpstream;
let upstream: Upstream;

beforeEach(async () => {
  simulated = await startSimulatedUpstream();
  upstream = openTestUpstream(simulated.url);
});
afterEach(async () => {
  await upstream.close();
  await simulated.close();
});

const lastHeaders = (): Record<string, unknown> => ({ ...simulated.log.at(-1)?.headers });

describe("request headers", () => {
  const fromClient = {
    host: "gateway.example",
    connection: "keep-alive, X-Hop, close",
    "x-hop": "1",
    "keep-alive": "timeout=5",
    te: "trailers",
    trailer: "x-t",
    "transfer-encoding": "chunked",
    upgrade: "websocket",
    "proxy-authorization": "Basic x",
    "proxy-connection": "keep-alive",
    expect: "100-continue",
    "content-length": "999",
    "accept-encoding": "gzip, br",
    cookie: "__Host-console=1",
    "x-session-id": "chat",
    "x-session-record": "off",
    "x-history-mode": "delta",
    "x-user-id": "ada",
    "content-type": "application/json",
    authorization: "Bearer sk-caller",
    "user-agent": "openai-node",
    "x-stainless-retry-count": "1",
    "openai-organization": "org-1",
    "idempotency-key": "k1",
    "x-unknown": "kept",
  };

  it("those of the connection and of the gateway stay here, everything else passes", async () => {
    await exchange(upstream, { ...chatRequest("hi"), headers: fromClient });
    const { "content-length": length, ...sent } = lastHeaders();
    expect(sent).toEqual({
      host: new URL(simulated.url).host,
      connection: "keep-alive",
      "accept-encoding": "identity",
      "content-type": "application/json",
      authorization: "Bearer sk-caller",
      "user-agent": "openai-node",
      "x-stainless-retry-count": "1",
      "openai-organization": "org-1",
      "idempotency-key": "k1",
      "x-unknown": "kept",
    });
    expect(Number(length)).toBe(simulated.log.at(-1)?.bytes.length);
  });

  it("the gateway's key takes the place of every credential and account of the caller", async () => {
    const own = openTestUpstream(simulated.url, { apiKey: new Secret("sk-gateway") });
    await exchange(own, { headers: { ...fromClient, "api-key": "sk-azure", "openai-project": "proj" } });
    await own.close();
    expect(lastHeaders()).toMatchObject({ authorization: "Bearer sk-gateway", "x-unknown": "kept" });
    for (const name of ["api-key", "openai-organization", "openai-project"])
      expect(lastHeaders()).not.toHaveProperty(name);
  });
});

describe("request bodies", () => {
  it("a list of buffers arrives as one body of exact length, byte for byte", async () => {
    const text = JSON.stringify({
      model: "gpt-4o",
      messages: [{ role: "user", content: "naïve 東京 😀".repeat(2_000) }],
    });
    const bytes = Buffer.from(text);
    const parts = [bytes.subarray(0, 30), Buffer.alloc(0), bytes.subarray(30, 5_001), bytes.subarray(5_001)];
    const { head } = await exchange(upstream, { ...chatRequest(""), body: parts });
    expect(head?.status).toBe(200);
    expect(simulated.log[0]?.bytes.equals(bytes)).toBe(true);
    expect(simulated.log[0]?.headers["content-length"]).toBe(String(bytes.length));
  });

  it("head and body of a short request leave in one write", async () => {
    const raw = await startRawServer((socket) => socket.write(okAnswer));
    const direct = openTestUpstream(raw.url);
    const request = chatRequest("hi");
    await exchange(direct, { ...request, body: [Buffer.from('{"a"'), Buffer.from(":1}")] });
    await direct.close();
    await raw.close();
    expect(raw.received).toHaveLength(1);
    expect(raw.received[0]).toHaveLength(1);
    expect(String(raw.received[0]?.[0])).toMatch(
      /^POST \/v1\/chat\/completions HTTP\/1\.1\r\n[\s\S]*content-length: 7\r\n\r\n\{"a":1\}$/,
    );
  });

  it("a stream is piped with its own length, or chunked without one", async () => {
    const bytes = Buffer.alloc(3_000_000, "multipart ");
    const request = { method: "POST", path: "/files", headers: { "content-type": "multipart/form-data; boundary=b" } };
    const counted = { ...request.headers, "content-length": String(bytes.length) };
    const pieces = (): Readable => Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]);
    const withLength = await exchange(upstream, { ...request, headers: counted, body: pieces() });
    const without = await exchange(upstream, { ...request, body: pieces() });
    expect(JSON.parse(withLength.text)).toMatchObject({
      bytes: bytes.length,
      content_type: "multipart/form-data; boundary=b",
    });
    expect(JSON.parse(without.text)).toEqual(JSON.parse(withLength.text));
    expect(simulated.log.map((entry) => entry.headers["content-length"])).toEqual([String(bytes.length), undefined]);
    expect(simulated.log[1]?.headers["transfer-encoding"]).toBe("chunked");
  });

  it("an empty list is an empty body", async () => {
    await exchange(upstream, { method: "POST", path: "/threads", body: [] });
    expect(simulated.log[0]).toMatchObject({ method: "POST", headers: { "content-length": "0" } });
  });
});

describe("answers", () => {
  it("a status, a body and headers that occur twice pass; what belongs to the connection does not", async () => {
    const raw = await startRawServer((socket) =>
      socket.write(
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" +
          "HTTP/1.1 302 Found\r\nLocation: http://169.254.1.1/\r\nX-Request-Id: r1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" +
          "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\ncontent-length: 2\r\n\r\nok",
      ),
    );
    const direct = openTestUpstream(raw.url);
    const { head, text } = await exchange(direct);
    await direct.close();
    await raw.close();
    expect(head).toEqual({
      status: 302,
      headers: {
        location: "http://169.254.1.1/",
        "x-request-id": "r1",
        "set-cookie": ["a=1", "b=2"],
        "content-length": "2",
      },
    });
    expect(text).toBe("ok");
  });

  it("an error keeps retry-after and rate limits, and its own kind of body", async () => {
    const limited = await exchange(upstream, chatRequest("[[error:429]]"));
    expect(limited.head).toMatchObject({
      status: 429,
      headers: { "retry-after": "1", "retry-after-ms": "1000", "x-ratelimit-remaining-requests": "9999" },
    });
    const proxy = await exchange(upstream, chatRequest("[[html]]"));
    expect(proxy.head).toMatchObject({ status: 502, headers: { "content-type": "text/html" } });
    expect(proxy.text).toContain("<h1>");
  });

  it("large ones arrive whole", async () => {
    const { text, error } = await exchange(upstream, chatRequest("[[len:200000]]"));
    expect(error).toBeUndefined();
    expect(JSON.parse(text).choices[0].message.content.split(" ")).toHaveLength(200_000);
  });
});

describe("the path", () => {
  it("is put below the base URL, whose query stays", async () => {
    const azure = openTestUpstream(`${simulated.url}/?api-version=2025-01-01`);
    await exchange(azure, { path: "/models?limit=1" });
    await exchange(azure, { path: "//evil.example/models", method: "POST" });
    await azure.close();
    expect(simulated.log.map((entry) => entry.path)).toEqual([
      "/v1/models?limit=1&api-version=2025-01-01",
      "/v1//evil.example/models?api-version=2025-01-01",
    ]);
  });

  it.each(["/../admin", "/files/%2e%2E/x", "/files/..", "/files\\..\\x", "/./x"])(
    "%s cannot climb out of it",
    async (path) => {
      expect(() => upstream.send({ method: "GET", path, headers: {}, body: undefined }, neverCalled)).toThrow(
        expect.objectContaining({ code: "not_found" }),
      );
      await exchange(upstream, { path: "/files/a..b?x=/../", method: "POST" });
      expect(simulated.log).toHaveLength(1);
    },
  );
});

const neverCalled = {
  onHead: () => expect.fail(),
  onData: () => expect.fail(),
  onEnd: () => expect.fail(),
  onError: () => expect.fail(),
};

describe("checking a credential", () => {
  it("asks with the caller's own key, bearer or api-key, never with the gateway's", async () => {
    const guarded = await startSimulatedUpstream({ keys: ["sk-caller"] });
    const shared = openTestUpstream(guarded.url, { apiKey: new Secret("sk-gateway") });
    const check = (headers: Record<string, string>): Promise<unknown> => shared.checkCredential(headers);
    expect(await check({ authorization: "Bearer sk-caller", "x-secret": "s", cookie: "c" })).toEqual({
      accepted: true,
    });
    expect(await check({ "api-key": "sk-caller" })).toEqual({ accepted: true });
    expect(await check({ authorization: "Bearer sk-gateway" })).toEqual({ accepted: false });
    expect(await check({})).toEqual({ accepted: false });
    expect(guarded.log[0]).toMatchObject({ method: "GET", path: "/v1/models" });
    expect(guarded.log[0]?.headers).not.toHaveProperty("x-secret");
    expect(guarded.log[0]?.headers).not.toHaveProperty("cookie");
    await shared.close();
    await guarded.close();
  });

  it.each([
    [404, { accepted: true }],
    [403, { accepted: false }],
    [503, undefined],
  ])("a %i says %o", async (status, verdict) => {
    const raw: RawServer = await startRawServer((socket) =>
      socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`),
    );
    const direct = openTestUpstream(raw.url);
    const answer = direct.checkCredential({ authorization: "Bearer a" });
    if (verdict === undefined) await expect(answer).rejects.toMatchObject({ code: "upstream_unreachable" });
    else expect(await answer).toEqual(verdict);
    await expect(direct.ping()).resolves.toBeUndefined();
    await direct.close();
    await raw.close();
    await expect(openTestUpstream(raw.url).ping()).rejects.toMatchObject({ code: "upstream_unreachable" });
  });
});
