/** S5: a session gets a new id at once, the old one a grace period, and whoever comes later with it ends the session. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import {
  ask,
  freshSession,
  lastSent,
  onSession,
  send,
  sendChat,
  transcript,
  type WireAnswer,
  type WireError,
} from "../support/http-calls.ts";
import { inCiOrProving } from "../support/prove.ts";
import { createHandClock, type HandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const GRACE_MS = 30_000;

let upstream: SimulatedUpstream;
let gateway: TestGateway;
let clock: HandClock;
beforeAll(async () => {
  clock = createHandClock();
  upstream = await startSimulatedUpstream();
  gateway = await startTestGateway({ upstream, clock: clock.now, env: { STATEGATE_STORE: "memory:" } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const idOf = (answer: WireAnswer): string => answer.json<{ id: string }>().id;
const rotate = (id: string, from: TestGateway = gateway): Promise<WireAnswer> =>
  send(from, `/sessions/${id}/rotate`, { method: "POST" });
const talk = (id: string, text = "[[len:1]] hi"): Promise<WireAnswer> =>
  sendChat(gateway, ask(text), { headers: onSession(id) });
const notFound = (answer: WireAnswer): void => {
  expect([answer.status, answer.json<WireError>().error.code]).toEqual([404, "session_not_found"]);
};

async function begun(): Promise<string> {
  const session = freshSession();
  await talk(session, "[[len:1]] one");
  return session;
}

describe("a session that is rotated", () => {
  it("goes on under an id that nobody can guess, with all it remembers", async () => {
    const session = await begun();
    const successor = idOf(await rotate(session));
    expect(successor).toMatch(/^r[\w-]{43}$/);
    const answer = await talk(successor, "[[len:1]] two");
    expect(answer.headers.get("x-history-mode")).toBe("delta");
    expect(lastSent(gateway)).toEqual(["user: [[len:1]] one", "assistant: word0", "user: [[len:1]] two"]);
    expect(await transcript(gateway, successor)).toHaveLength(4);
    expect((await send(gateway, "/sessions")).json<{ data: { id: string }[] }>().data[0]?.id).toBe(successor);
  });

  it("answers to its old id for the grace period, and tells the new one on each answer", async () => {
    const session = await begun();
    const successor = idOf(await rotate(session));
    clock.advance(GRACE_MS - 1);
    const answer = await talk(session);
    expect([answer.status, answer.headers.get("x-session-id")]).toEqual([200, successor]);
    expect(idOf(await send(gateway, `/sessions/${session}`))).toBe(successor);
    expect(idOf(await rotate(session))).toBe(successor);
  });

  it("ends when its old id comes back after the grace, for everybody", async () => {
    const session = await begun();
    const successor = idOf(await rotate(session));
    clock.advance(GRACE_MS);
    const before = upstream.log.length;
    notFound(await talk(session));
    expect(upstream.log).toHaveLength(before);
    notFound(await send(gateway, `/sessions/${successor}`));
    notFound(await talk(successor));
    expect((await talk(session)).headers.get("x-history-mode")).toBe("new");
    notFound(await talk(successor));
    expect(await transcript(gateway, session)).toHaveLength(2);
  });

  it("may be rotated again and again: each old id has its own grace", async () => {
    const first = await begun();
    const second = idOf(await rotate(first));
    clock.advance(GRACE_MS / 2);
    const third = idOf(await rotate(second));
    expect((await talk(first)).headers.get("x-session-id")).toBe(third);
    clock.advance(GRACE_MS / 2);
    expect((await talk(second)).headers.get("x-session-id")).toBe(third);
    notFound(await talk(first));
    notFound(await talk(third));
  });

  it("does not come to anybody else by its new id", async () => {
    const successor = idOf(await rotate(await begun()));
    const stranger = { key: "sk-somebody-else" };
    const headers = { "x-request-id": "same" };
    const foreign = await send(gateway, `/sessions/${successor}`, { ...stranger, headers });
    const unknown = await send(gateway, `/sessions/r${"x".repeat(43)}`, { ...stranger, headers });
    notFound(foreign);
    expect(foreign.text).toBe(unknown.text);
    notFound(await send(gateway, `/sessions/${successor}/rotate`, { method: "POST", ...stranger }));
  });

  it("is gone under every id when it is deleted, and the name can be used anew", async () => {
    const session = await begun();
    const successor = idOf(await rotate(session));
    expect((await send(gateway, `/sessions/${successor}`, { method: "DELETE" })).status).toBe(200);
    notFound(await send(gateway, `/sessions/${session}`));
    expect((await talk(session)).headers.get("x-history-mode")).toBe("new");
    notFound(await talk(successor));
    expect(await transcript(gateway, session)).toHaveLength(2);
  });

  it("keeps a turn that ran meanwhile", async () => {
    const session = await begun();
    const running = talk(session, "[[len:3]] [[delay:60]] two");
    const successor = idOf(await rotate(session));
    expect((await running).status).toBe(200);
    expect(await transcript(gateway, successor)).toHaveLength(4);
  });

  it("is one session with one successor, however many clients rotate it at once", { timeout: 60_000 }, async () => {
    const other = await startTestGateway({ upstream, clock: clock.now, folder: gateway.folder });
    const another = await startTestGateway({ upstream, clock: clock.now, folder: gateway.folder });
    const session = freshSession();
    await sendChat(other, ask("[[len:1]] one"), { headers: onSession(session) });
    const count = inCiOrProving(200, 200);
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) => rotate(session, index % 2 === 0 ? other : another)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const successors = new Set(answers.map(idOf));
    process.stdout.write(`rotations at once on two replicas: ${count}, successors: ${successors.size}\n`);
    expect(successors.size).toBe(1);
    clock.advance(GRACE_MS);
    const late = await Promise.all(Array.from({ length: 20 }, () => rotate(session, another)));
    expect(late.filter(({ status }) => status === 200)).toEqual([]);
    await other.close();
    await another.close();
  });
});
