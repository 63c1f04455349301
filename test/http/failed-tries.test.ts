import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { ask, freshSession, onSession, sendChat, transcript } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: CannedUpstream;
let gateway: TestGateway;
let failures = 0;
let answers = 0;
beforeAll(async () => {
  upstream = await startCannedUpstream();
  gateway = await startTestGateway({ env: { STATEGATE_UPSTREAM_URL: upstream.url } });
  upstream.answer((response, { method }) => {
    const headers = { "content-type": "application/json" };
    if (method === "GET") return void response.writeHead(200, headers).end("{}");
    if (failures > 0) {
      failures -= 1;
      return void response.writeHead(500, headers).end('{"error":{"message":"busy"}}');
    }
    answers += 1;
    const message = { role: "assistant", content: `answer ${answers}` };
    response.writeHead(200, headers).end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => {
  failures = 0;
  answers = 0;
});

const attempt = (session: string, times: number) =>
  sendChat(gateway, ask("hi"), { headers: onSession(session, { "x-stainless-retry-count": String(times) }) });

describe("a try that the upstream failed", () => {
  it("is no turn, so its retry is a first try", async () => {
    const session = freshSession();
    failures = 1;
    expect((await attempt(session, 0)).status).toBe(500);
    expect((await attempt(session, 1)).status).toBe(200);
    expect(await transcript(gateway, session)).toEqual(["user: hi", "assistant: answer 1"]);
  });

  it("is not mistaken for an earlier turn of the same words", async () => {
    const session = freshSession();
    await attempt(session, 0);
    failures = 1;
    expect((await attempt(session, 0)).status).toBe(500);
    expect((await attempt(session, 1)).text).toContain("answer 2");
    expect(await transcript(gateway, session)).toHaveLength(4);
  });

  it("is forgotten once a later try was answered: the next retry gets that answer", async () => {
    const session = freshSession();
    failures = 1;
    await attempt(session, 0);
    const answered = await attempt(session, 1);
    const again = await attempt(session, 2);
    expect(again.text).toBe(answered.text);
    expect(answers).toBe(1);
    expect(await transcript(gateway, session)).toHaveLength(2);
  });
});
