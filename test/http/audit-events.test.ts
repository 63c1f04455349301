import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startSimulatedUpstream, type SimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { ask, freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const ADMIN_KEY = "admin-key-of-this-test";

interface Entry {
  readonly event: string;
  readonly subject: string | null;
  readonly reason: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

describe("the audit log holds", () => {
  const clock = createHandClock();
  let upstream: SimulatedUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startSimulatedUpstream();
    gateway = await startTestGateway({
      upstream,
      clock: clock.now,
      env: {
        STATEGATE_STORE: "memory:",
        STATEGATE_IDENTITY__ADMIN_KEY: ADMIN_KEY,
        STATEGATE_SESSIONS__TTL__SECONDS: "60",
        STATEGATE_SESSIONS__ABSOLUTE_SECONDS: "60",
      },
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  /** What was recorded while `work` ran, oldest first. */
  async function during(work: () => Promise<unknown>): Promise<Entry[]> {
    const latest = async () => {
      const answer = await send({ ...gateway, url: gateway.origin }, "/admin/audit?limit=100", { key: ADMIN_KEY });
      return answer.json<{ data: (Entry & { id: string })[] }>().data;
    };
    const before = new Set((await latest()).map(({ id }) => id));
    clock.advance(1);
    await work();
    clock.advance(1);
    const fresh = (await latest()).filter(({ id, event }) => !before.has(id) && event !== "sensitive_read");
    return fresh.toReversed().map(({ event, subject, reason, counts }) => ({ event, subject, reason, counts }));
  }

  it("the beginning of a session by its first turn, and nothing of the turns that follow", async () => {
    const session = freshSession();
    const entries = await during(async () => {
      for (let turn = 0; turn < 4; turn += 1) {
        await sendChat(gateway, ask(`turn ${turn} [[len:1]]`), { headers: onSession(session) });
      }
    });
    expect(entries).toEqual([
      { event: "session_created", reason: "turn", subject: expect.stringMatching(/^user\.[\w-]{43}$/), counts: {} },
    ]);
  });

  it("one beginning, however many first turns came at once", async () => {
    const session = freshSession();
    const entries = await during(() =>
      Promise.all(
        [1, 2, 3, 4].map((turn) => sendChat(gateway, ask(`at once ${turn}`), { headers: onSession(session) })),
      ),
    );
    expect(entries.map(({ event }) => event)).toEqual(["session_created"]);
  });

  it("sessions that are made and deleted, under one subject for one user", async () => {
    const session = freshSession();
    const entries = await during(async () => {
      await send(gateway, "/sessions", { method: "POST", body: { id: session, title: "a title" } });
      await send(gateway, `/sessions/${session}`, { method: "DELETE" });
      await send(gateway, "/sessions", { method: "POST", body: { id: session }, key: "sk-another-user" });
    });
    expect(entries.map(({ event, reason }) => [event, reason])).toEqual([
      ["session_created", "api"],
      ["session_deleted", null],
      ["session_created", "api"],
    ]);
    expect(entries[0]?.subject).toBe(entries[1]?.subject);
    expect(entries[2]?.subject).not.toBe(entries[0]?.subject);
  });

  it("each id that somebody asked for and that is not theirs, foreign or unknown", async () => {
    const session = freshSession();
    await sendChat(gateway, ask("mine [[len:1]]"), { headers: onSession(session) });
    const routes: [string, string][] = [
      ["GET", `/sessions/${session}`],
      ["GET", `/sessions/${session}/messages`],
      ["DELETE", `/sessions/${session}`],
      ["POST", `/sessions/${session}/rotate`],
      ["GET", `/sessions/${freshSession()}`],
    ];
    const entries = await during(async () => {
      for (const [method, path] of routes) await send(gateway, path, { method, key: "sk-a-stranger" });
    });
    // Within a second the same is counted, not repeated.
    const times = entries.reduce((sum, { counts }) => sum + (counts["times"] ?? 1), 0);
    expect(times).toBe(routes.length);
    expect(new Set(entries.map(({ event, reason }) => `${event} ${reason}`))).toEqual(
      new Set(["malicious_direct_reference unknown_session"]),
    );
    const subjects = new Set(entries.map(({ subject }) => subject));
    expect([...subjects]).toEqual([expect.stringMatching(/^process\.[\w-]{43}$/)]);
  });

  it("a session that somebody came back to after its end", async () => {
    const session = freshSession();
    const entries = await during(async () => {
      await sendChat(gateway, ask("short life [[len:1]]"), { headers: onSession(session) });
      clock.advance(30_000);
      await send(gateway, `/sessions/${session}`);
      clock.advance(30_000);
      await send(gateway, `/sessions/${session}`);
    });
    expect(entries.map(({ event }) => event)).toEqual([
      "session_created",
      "session_expired",
      "malicious_direct_reference",
    ]);
  });
});
