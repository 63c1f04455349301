/** A session may be tied to the address or the client that began it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import {
  ask,
  freshSession,
  onSession,
  send,
  sendChat,
  type WireAnswer,
  type WireError,
} from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

let upstream: SimulatedUpstream;
let gateway: TestGateway;
beforeAll(async () => void (upstream = await startSimulatedUpstream()));
afterEach(() => gateway.close());
afterAll(() => upstream.close());

const start = async (env: Readonly<Record<string, string>>): Promise<void> => {
  gateway = await startTestGateway({ upstream, env });
};
const talk = (session: string, userAgent: string): Promise<WireAnswer> =>
  sendChat(gateway, ask("[[len:1]] hi"), { headers: onSession(session, { "user-agent": userAgent }) });
const refused = (answer: WireAnswer): void => {
  expect([answer.status, answer.json<WireError>().error.code]).toEqual([403, "session_bound_elsewhere"]);
};

describe("a session that is bound to its client", () => {
  it("is refused to another client on every route, and stays open to its own", async () => {
    await start({ STATEGATE_SESSIONS__BINDING__USER_AGENT: "enforce" });
    const session = freshSession();
    await talk(session, "app/1");
    const asked = upstream.log.length;
    refused(await talk(session, "thief/1"));
    expect(upstream.log).toHaveLength(asked);
    const headers = { "user-agent": "thief/1" };
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/messages"],
      ["GET", "/context"],
      ["POST", ""],
      ["POST", "/rotate"],
      ["DELETE", ""],
    ] as const) {
      refused(await send(gateway, `/sessions/${session}${path}`, { method, headers }));
    }
    expect((await talk(session, "app/1")).headers.get("x-history-mode")).toBe("delta");
  });

  it("is not in the list of another client, and pages go on behind it", async () => {
    await start({ STATEGATE_SESSIONS__BINDING__USER_AGENT: "enforce" });
    const [first, bound, last] = [freshSession(), freshSession(), freshSession()];
    for (const [session, userAgent] of [
      [first, "thief/1"],
      [bound, "app/1"],
      [last, "thief/1"],
    ] as const) {
      await talk(session, userAgent);
      // The list is ordered by milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const list = async (userAgent: string, query = "") => {
      const answer = await send(gateway, `/sessions${query}`, { headers: { "user-agent": userAgent } });
      return answer.json<{ data: { id: string }[]; has_more: boolean }>();
    };
    expect((await list("thief/1")).data.map(({ id }) => id).toSorted()).toEqual([first, last].toSorted());
    expect((await list("app/1")).data.map(({ id }) => id)).toEqual([bound]);
    const page = await list("thief/1", "?limit=2&order=asc");
    expect(page).toMatchObject({ data: [{ id: first }], has_more: true });
    const rest = await list("thief/1", `?limit=2&order=asc&after=${first}`);
    expect(rest).toMatchObject({ data: [{ id: last }], has_more: false });
  });

  it("hides no other session behind pages full of bound ones", async () => {
    await start({ STATEGATE_SESSIONS__BINDING__USER_AGENT: "enforce" });
    const mine = freshSession();
    await talk(mine, "thief/1");
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (let count = 0; count < 5; count += 1) await talk(freshSession(), "app/1");
    const answer = await send(gateway, "/sessions?limit=2", { headers: { "user-agent": "thief/1" } });
    expect(answer.json()).toMatchObject({ data: [{ id: mine }], has_more: false });
  });

  it("is bound when it is created by the sessions API, too", async () => {
    await start({ STATEGATE_SESSIONS__BINDING__USER_AGENT: "enforce" });
    const session = freshSession();
    const headers = { "user-agent": "app/1" };
    await send(gateway, "/sessions", { method: "POST", body: { id: session }, headers });
    refused(await talk(session, "thief/1"));
  });

  it("stays bound over a restart, and over a rotation", async () => {
    await start({ STATEGATE_SESSIONS__BINDING__USER_AGENT: "enforce" });
    const session = freshSession();
    await talk(session, "app/1");
    await gateway.restart();
    refused(await talk(session, "thief/1"));
    const headers = { "user-agent": "app/1" };
    const rotated = await send(gateway, `/sessions/${session}/rotate`, { method: "POST", headers });
    refused(await talk(rotated.json<{ id: string }>().id, "thief/1"));
  });

  it("is only watched where the configuration says observe", async () => {
    await start({ STATEGATE_SESSIONS__BINDING__USER_AGENT: "observe" });
    const session = freshSession();
    await talk(session, "app/1");
    expect((await talk(session, "thief/1")).status).toBe(200);
  });

  it("is bound to nothing by default", async () => {
    await start({});
    const session = freshSession();
    await talk(session, "app/1");
    expect((await talk(session, "other/2")).headers.get("x-history-mode")).toBe("delta");
  });
});
