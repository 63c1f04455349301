import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, freshSession, onSession, send, sendChat, type WireError } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("every other route", () => {
  it("passes requests and answers of the real client: models, embeddings, moderations, images", async () => {
    const client = gateway.client();
    expect((await client.models.list()).data.map(({ id }) => id)).toContain("gpt-5");
    const { data } = await client.embeddings.create({
      model: "text-embedding-3-small",
      input: ["one", "two"],
      dimensions: 8,
    });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
    await client.moderations.create({ input: "is this bad?" });
    expect(gateway.upstream.log.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v1/models",
      "POST /v1/embeddings",
      "POST /v1/moderations",
    ]);
  });

  it("passes a multipart upload byte for byte", async () => {
    const file = randomBytes(300_000);
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new Blob([file]), "naïve 東京.jsonl");
    const sent = new Request("http://any/", { method: "POST", body: form });
    const body = Buffer.from(await sent.arrayBuffer());
    const contentType = sent.headers.get("content-type") ?? "";
    const answer = await send(gateway, "/files", { method: "POST", body, headers: { "content-type": contentType } });
    expect(answer.json()).toMatchObject({
      path: "/v1/files",
      content_type: contentType,
      bytes: body.length,
      sha256: sha256(body),
    });
    expect(gateway.upstream.log.at(-1)?.headers["content-length"]).toBe(String(body.length));
  });

  it("passes an upload of unknown length as it comes", async () => {
    const pieces = Array.from({ length: 5 }, () => randomBytes(70_000));
    const outgoing = httpRequest(`${gateway.url}/files`, { method: "POST", headers: { authorization: "Bearer sk-a" } });
    const answered = once(outgoing, "response");
    for (const piece of pieces) {
      outgoing.write(piece);
      await sleep(2);
    }
    outgoing.end();
    const [response] = (await answered) as [IncomingMessage];
    expect(await json(response)).toMatchObject({ bytes: 350_000, sha256: sha256(Buffer.concat(pieces)) });
  });

  it.each(["GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"])(
    "passes %s with path and query as they are written",
    async (method) => {
      const path = "/vector_stores/vs_1/files/a%2Fb%20c?limit=2&after=%C3%A9&x=+";
      await send(gateway, path, { method });
      expect(gateway.upstream.log.at(-1)).toMatchObject({ method, path: `/v1${path}` });
    },
  );

  it("passes the upstream's own 404, headers and all", async () => {
    const direct = await fetch(`${gateway.upstream.url}/nothing`);
    const answer = await send(gateway, "/nothing");
    expect([answer.status, answer.text]).toEqual([direct.status, await direct.text()]);
    expect(answer.headers.get("x-ratelimit-limit-requests")).toBe("10000");
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
  });

  it("says that a session means nothing there, and says nothing where none was named", async () => {
    const named = await send(gateway, "/models", { headers: onSession("a") });
    expect(named.headers.get("x-history-mode")).toBe("unsupported");
    expect((await send(gateway, "/models")).headers.get("x-history-mode")).toBeNull();
    expect(gateway.upstream.log[0]?.headers).not.toHaveProperty("x-session-id");
  });

  it("needs no credential of its own", async () => {
    expect((await send(gateway, "/models", { key: undefined })).status).toBe(200);
    expect((await sendChat(gateway, ask("hi"), { key: undefined })).status).toBe(200);
  });

  it.each(["/v1/../admin", "/v1/%2e%2e/admin", "/v1/x/../../admin", "/v1/./models", "/v1/models/..\\..\\admin"])(
    "never leaves the upstream's base path: %s",
    async (path) => {
      const outgoing = httpRequest(gateway.origin, { path, headers: { authorization: "Bearer sk-a" } }).end();
      const [response] = (await once(outgoing, "response")) as [IncomingMessage];
      const { error } = (await json(response)) as WireError;
      expect(["not_found", "invalid_header"]).toContain(error.code);
      expect(gateway.upstream.log).toEqual([]);
    },
  );

  it("takes an address in the absolute form that proxies are sent, wherever it says it goes", async () => {
    const body = JSON.stringify(ask("hi"));
    for (const path of [
      "http://127.0.0.1/v1/chat/completions?a=1",
      "https://elsewhere.example/v1/chat/completions?a=1",
    ]) {
      const headers = {
        authorization: "Bearer sk-a",
        "content-type": "application/json",
        "x-session-id": freshSession(),
      };
      const outgoing = httpRequest(gateway.origin, { method: "POST", path, headers }).end(body);
      const [response] = (await once(outgoing, "response")) as [IncomingMessage];
      expect(response.resume().statusCode).toBe(200);
      expect(gateway.upstream.log.at(-1)?.path).toBe("/v1/chat/completions?a=1");
    }
  });

  it("leaves the bare prefix to the upstream as well", async () => {
    for (const path of ["", "?a=1", "/"]) expect((await send(gateway, path)).status).toBe(404);
    expect(gateway.upstream.log.map(({ path }) => path)).toEqual(["/v1/", "/v1/?a=1", "/v1/"]);
  });

  it("answers an unknown address outside /v1 itself", async () => {
    const response = await fetch(`${gateway.origin}/unknown`);
    expect([response.status, ((await response.json()) as WireError).error.code]).toEqual([404, "not_found"]);
    expect(gateway.upstream.log).toEqual([]);
  });
});

describe("an upstream's refusal passes unchanged", () => {
  const cases = [
    ["without a session", () => ({})],
    ["on a session", () => onSession(freshSession())],
  ] as const;
  describe.each(cases)("%s", (_, headers) => {
    it.each([400, 401, 404, 429, 500, 503])("%i with its body, retry-after and rate limits", async (status) => {
      const body = ask(`[[error:${status}]]`);
      const direct = await fetch(`${gateway.upstream.url}/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer = await sendChat(gateway, body, { headers: headers() });
      expect([answer.status, answer.text]).toEqual([status, await direct.text()]);
      for (const name of ["retry-after", "retry-after-ms", "content-type", "x-ratelimit-remaining-requests"]) {
        expect(answer.headers.get(name)).toBe(direct.headers.get(name));
      }
      expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
    });

    it("a proxy's page of HTML", async () => {
      const answer = await sendChat(gateway, ask("[[html]]"), { headers: headers() });
      expect([answer.status, answer.headers.get("content-type"), answer.text]).toEqual([
        502,
        "text/html",
        "<html><body><h1>502 Bad Gateway</h1></body></html>",
      ]);
    });

    it("a body that is no JSON", async () => {
      const answer = await sendChat(gateway, ask("[[garbage]]"), { headers: headers() });
      expect([answer.status, answer.text]).toEqual([200, '{"choices": [{"mess']);
    });

    it("a closed connection becomes an error of ours, in OpenAI's shape", async () => {
      const answer = await sendChat(gateway, ask("[[drop]]"), { headers: headers() });
      expect([answer.status, answer.json<WireError>().error.code]).toEqual([502, "upstream_unreachable"]);
      expect(answer.headers.get("retry-after")).toBe("1");
    });
  });

  it("is no turn of a session", async () => {
    const session = freshSession();
    for (const directive of ["[[error:400]]", "[[error:500]]", "[[html]]", "[[garbage]]", "[[drop]]"]) {
      await sendChat(gateway, ask(directive), { headers: onSession(session) });
    }
    expect((await send(gateway, `/sessions/${session}`)).status).toBe(404);
  });
});

describe("streams through other routes", () => {
  let upstream: CannedUpstream;
  let canned: TestGateway;
  beforeAll(async () => {
    upstream = await startCannedUpstream();
    canned = await startTestGateway({ env: { STATEGATE_UPSTREAM_URL: upstream.url } });
  });
  afterAll(async () => {
    await canned.close();
    await upstream.close();
  });

  it("flow while they are written", async () => {
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    upstream.answer(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
      await held;
      response.end("data: 2\n\n");
    });
    const response = await fetch(`${canned.url}/audio/transcriptions`, { method: "POST", body: "x" });
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? "").toString()).toBe("data: 1\n\n");
    goOn();
    expect(Buffer.from((await reader?.read())?.value ?? "").toString()).toBe("data: 2\n\n");
  });

  it("that break off break off at the client too", async () => {
    upstream.answer((response) => {
      response.writeHead(200, { "content-type": "application/octet-stream", "content-length": "100" });
      response.write("half", () => response.destroy());
    });
    const response = await fetch(`${canned.url}/files/1/content`);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it("end at the upstream when the client leaves", async () => {
    const left = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        response.on("close", () => resolve());
        response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      });
    });
    const leaving = new AbortController();
    const response = await fetch(`${canned.url}/anything`, { signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await left;
  });

  it("an upstream that is not there is an error of ours, in OpenAI's shape", async () => {
    const gone = await startTestGateway({ env: { STATEGATE_UPSTREAM_URL: "http://127.0.0.1:9/v1" } });
    const answer = await send(gone, "/models");
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([502, "upstream_unreachable"]);
    await gone.close();
  });
});
