import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { openRawConnection } from "../support/raw-connection.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: CannedUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startCannedUpstream();
  const env = {
    STATEGATE_UPSTREAM_URL: upstream.url,
    STATEGATE_UPSTREAM__API_KEY: "sk-of-the-operator",
    STATEGATE_UPSTREAM__SHARED_ROUTES: "GET /files/*",
  };
  gateway = await startTestGateway({ env });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
const answer = {
  id: "x",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
};
beforeEach(() => {
  upstream.answer((response) => {
    const account = { "openai-organization": "operator-inc", "openai-project": "proj_1", "set-cookie": "a=b" };
    response.writeHead(200, { ...account, "content-type": "application/json", "x-request-id": "req_1" });
    response.end(JSON.stringify(answer));
  });
});

describe("behind one upstream account for all", () => {
  it("asks with the gateway's key in the place of whatever names the caller's account", async () => {
    await send(gateway, "/models", {
      key: "sk-mine",
      headers: { "openai-organization": "mine", "openai-project": "mine", "x-api-key": "mine", "api-key": "sk-mine" },
    });
    const { headers } = upstream.requests.at(-1) ?? expect.unreachable();
    expect(headers.authorization).toBe("Bearer sk-of-the-operator");
    expect(JSON.stringify(headers)).not.toContain("mine");
  });

  it("tells no caller whose account it is, on any route", async () => {
    for (const one of [
      await send(gateway, "/models"),
      await sendChat(gateway, ask("hi")),
      await sendChat(gateway, ask("hi"), { headers: onSession(freshSession()) }),
    ]) {
      expect(one.status).toBe(200);
      expect(one.headers.get("x-request-id")).not.toBeNull();
      for (const name of ["openai-organization", "openai-project", "set-cookie"]) {
        expect(one.headers.get(name)).toBeNull();
      }
    }
  });

  it("refuses what names stored objects, and passes what the operator lists", async () => {
    const before = upstream.requests.length;
    for (const [method, path] of [
      ["GET", "/files"],
      ["POST", "/files"],
      ["GET", "/chat/completions"],
      ["GET", "/chat/completions/chatcmpl-1"],
      ["POST", "/chat/completions/chatcmpl-1"],
      ["DELETE", "/chat/completions/chatcmpl-1"],
      ["POST", "/responses"],
      ["DELETE", "/models/ft:mine"],
    ] as const) {
      const refused = await send(gateway, path, { method, ...(method === "POST" && { body: {} }) });
      expect(refused.json()).toMatchObject({ error: { code: "route_not_shared", type: "permission_error" } });
      expect(refused.status).toBe(403);
    }
    expect(upstream.requests).toHaveLength(before);
    expect((await send(gateway, "/files/file-1")).status).toBe(200);
  });

  it("refuses a chat request that stores its answer or names a file, with a session and without", async () => {
    const before = upstream.requests.length;
    const content = [{ type: "file", file: { file_id: "file-1" } }];
    for (const body of [ask("hi", { store: true }), { model: "m", messages: [{ role: "user", content }] }]) {
      for (const headers of [{}, onSession(freshSession()), { "x-history-mode": "off" }]) {
        expect((await sendChat(gateway, body, { headers })).json()).toMatchObject({
          error: { code: "route_not_shared" },
        });
      }
    }
    expect(upstream.requests).toHaveLength(before);
    expect((await sendChat(gateway, ask("hi", { store: false }))).status).toBe(200);
  });

  it("cannot be talked round by the way a path is written", async () => {
    const before = upstream.requests.length;
    const targets = [
      "/v1/files/",
      "/v1//files",
      "//v1/files",
      "/v1/%66iles",
      "/v1/FILES",
      "/v1/models/../files",
      "/v1/models/%2e%2e/files",
      "/v1/embeddings/..%2ffiles",
      "/v1/chat/completions/",
      "/v1/chat%2Fcompletions",
      "/v1/chat/completions/../../files",
      "/v1/files/file-1/",
      "/v1/files/file-1/content",
      "/v1/files/..",
      "/v1/files;x",
      "/v1/models/a%2f..%2f..%2ffiles",
      `http://api.openai.com/v1/files`,
      "/v1\\files",
    ];
    for (const target of targets) {
      const connection = await openRawConnection(gateway.origin);
      connection.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-mine\r\n\r\n`);
      const { status } = await connection.answer();
      connection.close();
      expect([400, 403, 404], target).toContain(status);
    }
    const passed = upstream.requests.length - before;
    process.stdout.write(`shared account: ${targets.length} disguised paths tried, ${passed} passed\n`);
    expect(passed).toBe(0);
  });
});
