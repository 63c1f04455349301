import { setTimeout as sleep } from "node:timers/promises";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { startSimulatedUpstream, type SimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import {
  ask,
  freshSession,
  lastSent,
  onSession,
  send,
  sendChat,
  transcript,
  type WireError,
  type WireRequest,
} from "../support/http-calls.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeAll(async () => void (gateway = await startTestGateway()));
afterAll(() => gateway.close());
beforeEach(() => gateway.upstream.reset());

const strangers: readonly (readonly [string, WireRequest])[] = [
  ["another key", { key: "sk-other" }],
  ["another user of the key", { headers: { "x-user-id": "grace" } }],
  ["the key's own user", { headers: {} }],
  ["a user of the same name under another key", { key: "sk-other", headers: { "x-user-id": "ada" } }],
  ["a user whose name begins alike", { headers: { "x-user-id": "ada2" } }],
  ["the same name in capitals", { headers: { "x-user-id": "ADA" } }],
];
const asAda: WireRequest = { headers: { "x-user-id": "ada" } };

describe.each(strangers)("Ada's session is not there for %s", (_, stranger) => {
  const as = (headers: Record<string, string>): WireRequest => ({
    ...stranger,
    headers: { ...stranger.headers, ...headers },
  });

  it("when it is read, listed, deleted or created", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("[[len:1]] secret"), {
      ...asAda,
      headers: { ...asAda.headers, ...onSession(session) },
    });
    const unknown = await send(gateway, "/sessions/never-was", as({ "x-request-id": "same" }));
    const attempts = [
      send(gateway, `/sessions/${session}`, as({ "x-request-id": "same" })),
      send(gateway, `/sessions/${session}`, { method: "DELETE", ...as({ "x-request-id": "same" }) }),
      send(gateway, `/sessions/${session}/messages`, as({ "x-request-id": "same" })),
    ];
    for (const answer of await Promise.all(attempts)) expect(comparable(answer)).toEqual(comparable(unknown));
    const listed = await send(gateway, "/sessions", stranger);
    expect(listed.text).not.toContain(session);
    const after = await send(gateway, `/sessions?after=${session}`, stranger);
    const afterUnknown = await send(gateway, "/sessions?after=never-was", stranger);
    expect(after.text).toBe(afterUnknown.text);
    expect((await send(gateway, "/sessions", { method: "POST", body: { id: session }, ...stranger })).status).toBe(201);
    expect(await transcript(gateway, session, asAda)).toEqual(["user: [[len:1]] secret", "assistant: word0"]);
    expect(await transcript(gateway, session, stranger)).toEqual([]);
  });

  it("when it is spoken on", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("[[len:1]] secret"), {
      ...asAda,
      headers: { ...asAda.headers, ...onSession(session) },
    });
    const answer = await sendChat(gateway, ask("[[len:1]] hello"), as(onSession(session)));
    expect(answer.headers.get("x-history-mode")).toBe("new");
    expect(lastSent(gateway)).toEqual(["user: [[len:1]] hello"]);
    expect(await transcript(gateway, session, asAda)).toHaveLength(2);
  });
});

const comparable = ({ status, text, headers }: { status: number; text: string; headers: Headers }) => ({
  status,
  text,
  headers: Object.fromEntries([...headers].filter(([name]) => name !== "date")),
});

describe("a session that is not there", () => {
  it("answers alike whether it was never, is deleted, expired, somebody else's, or could not be", async () => {
    const session = freshSession();
    const as = { headers: { "x-request-id": "same" } };
    await sendChat(gateway, ask("hi"), { headers: onSession(session) });
    await send(gateway, `/sessions/${session}`, { method: "DELETE" });
    const foreign = freshSession();
    await sendChat(gateway, ask("hi"), { key: "sk-other", headers: onSession(foreign) });
    const names = [session, foreign, "never-was", "x".repeat(200), "two%20words", "caf%C3%A9", "%00", "new"];
    for (const suffix of ["", "/messages"]) {
      const answers = await Promise.all(names.map((name) => send(gateway, `/sessions/${name}${suffix}`, as)));
      for (const answer of answers) {
        expect(comparable(answer)).toEqual(comparable(answers[0] ?? answer));
        expect([answer.status, answer.json<WireError>().error.code]).toEqual([404, "session_not_found"]);
      }
    }
  });
});

describe("one caller", () => {
  it("is the same one under every way to write the same credential", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("hi"), { key: "sk-same", headers: onSession(session) });
    for (const authorization of ["Bearer sk-same", "bearer sk-same", "BEARER   sk-same"]) {
      expect((await send(gateway, `/sessions/${session}`, { key: undefined, headers: { authorization } })).status).toBe(
        200,
      );
    }
    const azure = await send(gateway, `/sessions/${session}`, { key: undefined, headers: { "api-key": "sk-same" } });
    expect(azure.status).toBe(200);
  });

  it("cannot name a user in the body unless the configuration lets it", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("hi", { user: "ada", safety_identifier: "ada" }), { headers: onSession(session) });
    expect((await send(gateway, `/sessions/${session}`)).status).toBe(200);
    expect((await send(gateway, `/sessions/${session}`, asAda)).status).toBe(404);
    const trusting = await startTestGateway({
      upstream: gateway.upstream,
      env: { STATEGATE_IDENTITY__USER_FROM_BODY: "true" },
    });
    await sendChat(trusting, ask("hi", { user: "ada" }), { headers: onSession(session) });
    await sendChat(trusting, ask("hi", { user: "bob", safety_identifier: "ada" }), { headers: onSession(session) });
    await sendChat(trusting, ask("hi", { user: "bob" }), { headers: onSession(session, { "x-user-id": "ada" }) });
    expect(await transcript(trusting, session, asAda)).toHaveLength(6);
    await trusting.close();
  });

  it("off loopback is not one of the many behind a placeholder key", async () => {
    const open = await startTestGateway({ upstream: gateway.upstream, env: { STATEGATE_HOST: "0.0.0.0" } });
    for (const key of ["EMPTY", "ollama", "sk-xxx"]) {
      const refused = await sendChat(open, ask("hi"), { key, headers: onSession(freshSession()) });
      expect([refused.status, refused.json<WireError>().error.code]).toEqual([401, "credential_placeholder"]);
      expect((await sendChat(open, ask("hi"), { key })).status).toBe(200);
    }
    await open.close();
    expect((await sendChat(gateway, ask("hi"), { key: "EMPTY", headers: onSession(freshSession()) })).status).toBe(200);
  });
});

describe("a credential that the upstream takes back", () => {
  const clock = createHandClock();
  const keys = ["sk-good"];
  let upstream: SimulatedUpstream;
  let checked: TestGateway;
  beforeAll(async () => {
    upstream = await startSimulatedUpstream({ keys });
    checked = await startTestGateway({ upstream, clock: clock.now });
  });
  afterAll(async () => {
    await checked.close();
    await upstream.close();
  });
  /** The cache of checks reads the clock once a millisecond. */
  const wind = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds);
    await sleep(5);
  };
  beforeEach(() => {
    upstream.reset();
    keys.splice(0, keys.length, "sk-good");
    return wind(120_000);
  });

  const checks = (): number => upstream.log.filter(({ path }) => path === "/v1/models").length;
  const read = () => send(checked, "/sessions/chat", { key: "sk-good" });

  it("reads nothing once its last check is a minute old", async () => {
    await sendChat(checked, ask("hi"), { key: "sk-good", headers: onSession("chat") });
    expect((await read()).status).toBe(200);
    keys.length = 0;
    await wind(59_000);
    expect((await read()).status).toBe(200);
    expect(checks()).toBe(1);
    await wind(2_000);
    for (const [method, path] of [
      ["GET", "/sessions"],
      ["GET", "/sessions/chat"],
      ["GET", "/sessions/chat/messages"],
      ["DELETE", "/sessions/chat"],
      ["POST", "/sessions"],
    ]) {
      const refused = await send(checked, path ?? "", { method: method ?? "", key: "sk-good" });
      expect([refused.status, refused.json<WireError>().error.code]).toEqual([401, "credential_refused"]);
    }
    keys.push("sk-good");
    expect((await read()).status).toBe(200);
  });

  it("is asked about once for many readers, and again after a refusal", async () => {
    await sendChat(checked, ask("hi"), { key: "sk-good", headers: onSession("chat") });
    const answers = await Promise.all(Array.from({ length: 10 }, read));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(checks()).toBe(1);
    expect((await send(checked, "/sessions", { key: "sk-bad" })).status).toBe(401);
    expect((await send(checked, "/sessions", { key: "sk-bad" })).status).toBe(401);
    expect(checks()).toBe(3);
  });

  it("cannot be checked while the upstream is away: then nothing is read", async () => {
    const away = await startTestGateway({ upstream, env: { STATEGATE_UPSTREAM_URL: "http://127.0.0.1:9/v1" } });
    const answer = await send(away, "/sessions", { key: "sk-good" });
    expect([answer.status, answer.json<WireError>().error.code]).toEqual([502, "upstream_unreachable"]);
    await away.close();
  });

  it("of a chat is left to the upstream, and makes no session when it is refused", async () => {
    const refused = await sendChat(checked, ask("hi"), { key: "sk-bad", headers: onSession("chat") });
    expect([refused.status, refused.json<WireError>().error.code]).toEqual([401, "invalid_api_key"]);
    keys.push("sk-bad");
    const { data } = (await send(checked, "/sessions", { key: "sk-bad" })).json<{ data: unknown[] }>();
    expect(data).toEqual([]);
  });
});
