/** The failure table of DESIGN.md for the gateway's own parts: what the wire says, what is stored, what is counted, what comes next. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import {
  answered,
  ask,
  callerHeaders,
  degradedCounts,
  errorCodes,
  type Message,
  said,
  send,
  textOf,
  transcript,
} from "../support/fault-client.ts";
import { faults, mendAll } from "../support/fault-parts.ts";
import { createHandClock } from "../support/store-hand-clock.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

vi.mock("../../src/store/open-store.ts", async (original) => {
  const real = await original<typeof import("../../src/store/open-store.ts")>();
  const { breakableStore } = await import("../support/fault-parts.ts");
  return { ...real, openStore: breakableStore(real.openStore) };
});
vi.mock("../../src/redaction/create-redactor.ts", async (original) => {
  const real = await original<typeof import("../../src/redaction/create-redactor.ts")>();
  const { breakableRedactor } = await import("../support/fault-parts.ts");
  return { createRedactor: breakableRedactor(real.createRedactor) };
});
vi.mock("../../src/sealing/create-sealer.ts", async (original) => {
  const real = await original<typeof import("../../src/sealing/create-sealer.ts")>();
  const { breakableSealer } = await import("../support/fault-parts.ts");
  return { createSealer: breakableSealer(real.createSealer) };
});
vi.mock("../../src/tokens/load-vocabulary.ts", async (original) => {
  const real = await original<typeof import("../../src/tokens/load-vocabulary.ts")>();
  const { breakableVocabulary } = await import("../support/fault-parts.ts");
  return { loadVocabulary: breakableVocabulary(real.loadVocabulary) };
});
vi.mock("../../src/telemetry/sdk.ts", async (original) => {
  const real = await original<typeof import("../../src/telemetry/sdk.ts")>();
  const { breakableTelemetry } = await import("../support/fault-parts.ts");
  return { openTelemetry: breakableTelemetry(real.openTelemetry) };
});

/** Longer than an open circuit refuses, and than an opened session is believed. */
const LONG_MS = 61_000;
const MAX_CHARACTERS = 2_000;
const QUESTION = "hello [[len:3]]";
const REPLY = "word0 word1 word2";
const first = [`user: ${QUESTION}`, `assistant: ${REPLY}`];

const clock = createHandClock();
let gateway: TestGateway;
let sessions = 0;
beforeAll(async () => {
  gateway = await startTestGateway({
    clock: clock.now,
    env: {
      STATEGATE_STORE: "memory:",
      STATEGATE_REDACTION__MAX_CHARACTERS: String(MAX_CHARACTERS),
    },
  });
});
afterAll(() => gateway.close());
afterEach(() => {
  mendAll();
  clock.advance(LONG_MS);
});

const newSession = (): string => `session-${++sessions}`;
/** Of the model; whether a credential is still good may be asked at any time. */
const asked = (): number => gateway.upstream.log.filter(({ path }) => path.endsWith("/chat/completions")).length;
const lastBody = (): unknown => gateway.upstream.log.at(-1)?.body;

/** What `work` added to a counter of `stategate.degraded`. */
async function counted(reason: string, work: () => Promise<void>): Promise<number> {
  const before = (await degradedCounts(gateway.origin))[reason] ?? 0;
  await work();
  return ((await degradedCounts(gateway.origin))[reason] ?? 0) - before;
}

async function startedSession(stream: boolean): Promise<string> {
  const session = newSession();
  const { status } = await ask(gateway.url, { session, stream, messages: [said(QUESTION)] });
  expect(status).toBe(200);
  return session;
}

async function expectNextTurnWorks(session: string, stream: boolean, before: readonly string[]): Promise<void> {
  const next = await ask(gateway.url, { session, stream, messages: [said("next [[len:1]]")] });
  expect({ status: next.status, text: textOf(next), whole: next.whole }).toEqual({
    status: 200,
    text: "word0",
    whole: true,
  });
  expect(await transcript(gateway.url, session)).toEqual([...before, "user: next [[len:1]]", "assistant: word0"]);
}

describe.each([
  { form: "plain", stream: false },
  { form: "streamed", stream: true },
])("when a part fails ($form)", ({ stream }) => {
  it("load: a delta client gets 503, no model is asked and no new conversation begins", async () => {
    const session = await startedSession(stream);
    const askedBefore = asked();
    faults.store.load = true;
    const degraded = await counted("load_failed", async () => {
      const refused = await ask(gateway.url, { session, stream, messages: [said("more")] });
      expect(refused.status).toBe(503);
      expect(refused.headers["retry-after"]).toBe("1");
      expect(errorCodes(refused)).toEqual(["store_unavailable"]);
    });
    expect(degraded).toBe(1);
    expect(asked()).toBe(askedBefore);
    mendAll();
    await expectNextTurnWorks(session, stream, first);
  });

  it("load: a client that replays is forwarded as it is, flagged and unrecorded; its next replay reconciles", async () => {
    const session = await startedSession(stream);
    const messages = [said(QUESTION), answered(REPLY), said("more [[len:2]]")];
    faults.store.load = true;
    const degraded = await counted("load_failed", async () => {
      const answer = await ask(gateway.url, { session, stream, messages });
      expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: "word0 word1" });
      expect(answer.headers).toMatchObject({
        "x-session-id": session,
        "x-session-degraded": "load_failed",
        "x-history-mode": "stateless",
        "cache-control": "no-store",
      });
    });
    expect(degraded).toBe(1);
    expect(lastBody()).toEqual({ model: "gpt-5", messages, ...(stream && { stream }) });
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual(first);

    const longer = [...messages, answered("word0 word1"), said("last [[len:1]]")];
    const next = await ask(gateway.url, { session, stream, messages: longer });
    expect(next.headers["x-history-mode"]).toBe("replay");
    expect(next.headers["x-session-degraded"]).toBeUndefined();
    expect(lastBody()).toMatchObject({ messages: longer });
    expect(await transcript(gateway.url, session)).toEqual([
      ...first,
      "user: more [[len:2]]",
      "assistant: word0 word1",
      "user: last [[len:1]]",
      "assistant: word0",
    ]);
  });

  it("load: X-History-Mode: replay is believed before a first answer exists", async () => {
    faults.store.load = true;
    const session = newSession();
    const headers = { "x-history-mode": "replay" };
    const answer = await ask(gateway.url, { session, stream, headers, messages: [said(QUESTION)] });
    expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: REPLY });
    expect(answer.headers["x-session-degraded"]).toBe("load_failed");
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual([]);
  });

  it("load: older turns that cannot be read are a failed load too", async () => {
    const session = newSession();
    const headers = { "x-history-strategy": "window" };
    const messages: Message[] = [];
    for (let turn = 0; turn < 30; turn += 1) {
      messages.push(said(`turn ${turn} ${"filler ".repeat(60)} [[len:1]]`));
      await ask(gateway.url, { session, headers, messages: messages.slice(-1) });
      messages.push(answered("word0"));
      clock.advance(LONG_MS * 6);
    }
    const stored = await transcript(gateway.url, session);
    clock.advance(LONG_MS);
    const full = { "x-history-strategy": "full" };
    faults.store.readTurns = true;
    const degraded = await counted("load_failed", async () => {
      const refused = await ask(gateway.url, { session, stream, headers: full, messages: [said("more")] });
      expect({ status: refused.status, codes: errorCodes(refused) }).toEqual({
        status: 503,
        codes: ["store_unavailable"],
      });
      const replay = [...messages, said("more [[len:1]]")];
      const answer = await ask(gateway.url, { session, stream, headers: full, messages: replay });
      expect({ status: answer.status, text: textOf(answer) }).toEqual({ status: 200, text: "word0" });
      expect(answer.headers["x-session-degraded"]).toBe("load_failed");
      expect(lastBody()).toMatchObject({ messages: replay });
    });
    expect(degraded).toBe(2);
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual(stored);
  });

  it("append: the answer ends in an error, nothing is half stored, and the session says so next time", async () => {
    const session = await startedSession(stream);
    faults.store.commit = true;
    const degraded = await counted("append_failed", async () => {
      const lost = await ask(gateway.url, { session, stream, messages: [said(QUESTION)] });
      expect(errorCodes(lost)).toEqual(["append_failed"]);
      if (stream) {
        expect(lost.status).toBe(200);
        expect(textOf(lost)).toBe(REPLY);
        expect(lost.events.at(-1)).toContain("append_failed");
        expect(lost.events).not.toContain("[DONE]");
      } else {
        expect(lost.status).toBe(503);
        expect(lost.headers["retry-after"]).toBe("1");
        expect(textOf(lost)).toBe("");
      }
    });
    expect(degraded).toBe(1);
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual(first);
    const next = await ask(gateway.url, { session, stream, messages: [said("next [[len:1]]")] });
    expect(next.headers["x-session-degraded"]).toBe("append_failed");
    expect(await transcript(gateway.url, session)).toEqual([...first, "user: next [[len:1]]", "assistant: word0"]);
    const after = await ask(gateway.url, { session, stream, messages: [said("after [[len:1]]")] });
    expect(after.headers["x-session-degraded"]).toBeUndefined();
  });

  it("append: a first turn that could not be stored leaves no session behind", async () => {
    const session = newSession();
    faults.store.commit = true;
    await ask(gateway.url, { session, stream, messages: [said(QUESTION)] });
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual([]);
    await expectNextTurnWorks(session, stream, []);
  });

  it("append: one lost reply goes unnoticed, and the turn is stored once", async () => {
    const session = await startedSession(stream);
    faults.store.lostReplies = 1;
    const answer = await ask(gateway.url, { session, stream, messages: [said("more [[len:1]]")] });
    expect({ status: answer.status, codes: errorCodes(answer), whole: answer.whole }).toEqual({
      status: 200,
      codes: [],
      whole: true,
    });
    await expectNextTurnWorks(session, stream, [...first, "user: more [[len:1]]", "assistant: word0"]);
  });

  it("append: a turn that was written although both replies were lost is answered again, not asked and stored twice", async () => {
    const session = await startedSession(stream);
    const messages = [said("more [[len:1]]")];
    const headers = { "x-stainless-retry-count": "0" };
    faults.store.lostReplies = 2;
    const lost = await ask(gateway.url, { session, stream, headers, messages });
    expect(errorCodes(lost)).toEqual(["append_failed"]);
    const askedBefore = asked();
    const again = await ask(gateway.url, { session, stream, headers: { "x-stainless-retry-count": "1" }, messages });
    expect({ status: again.status, text: textOf(again) }).toEqual({ status: 200, text: "word0" });
    expect(asked()).toBe(askedBefore);
    await expectNextTurnWorks(session, stream, [...first, "user: more [[len:1]]", "assistant: word0"]);
  });

  it.each([
    { reason: "redaction_failed", name: "redaction: a detector that fails", part: "redact" as const, text: QUESTION },
    {
      reason: "redaction_failed",
      name: "redaction: a turn over the bound",
      part: undefined,
      text: `${"x".repeat(MAX_CHARACTERS)} ${QUESTION}`,
    },
    { reason: "seal_failed", name: "sealing", part: "seal" as const, text: QUESTION },
  ])("$name: the answer is delivered and flagged, here and next time, and nothing is stored", async (row) => {
    const session = await startedSession(stream);
    const degraded = await counted(row.reason, async () => {
      if (row.part) faults[row.part] = true;
      const answer = await ask(gateway.url, { session, stream, messages: [said(row.text)] });
      expect({ status: answer.status, text: textOf(answer), codes: errorCodes(answer), whole: answer.whole }).toEqual({
        status: 200,
        text: REPLY,
        codes: [],
        whole: true,
      });
      if (stream) {
        expect(answer.comments).toEqual([`x-session-degraded: ${row.reason}`]);
        expect(answer.body.trimEnd().endsWith("data: [DONE]")).toBe(true);
      } else {
        expect(answer.headers["x-session-degraded"]).toBe(row.reason);
      }
    });
    expect(degraded).toBe(1);
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual(first);
    const next = await ask(gateway.url, { session, stream, messages: [said("next [[len:1]]")] });
    expect(next.headers["x-session-degraded"]).toBe(row.reason);
    expect(await transcript(gateway.url, session)).toEqual([...first, "user: next [[len:1]]", "assistant: word0"]);
    const after = await ask(gateway.url, { session, stream, messages: [said("after [[len:1]]")] });
    expect(after.headers["x-session-degraded"]).toBeUndefined();
  });

  it("redaction: a first turn that is not stored begins no session", async () => {
    const session = newSession();
    faults.redact = true;
    expect(textOf(await ask(gateway.url, { session, stream, messages: [said(QUESTION)] }))).toBe(REPLY);
    mendAll();
    expect(await transcript(gateway.url, session)).toEqual([]);
    await expectNextTurnWorks(session, stream, []);
  });

  it("a session that is removed while its turn runs stays removed", async () => {
    const session = await startedSession(stream);
    const askedBefore = asked();
    const running = ask(gateway.url, { session, stream, messages: [said("late [[len:1]] [[delay:100]]")] });
    await vi.waitFor(() => expect(asked()).toBe(askedBefore + 1));
    const path = `${gateway.url}/sessions/${session}`;
    expect((await send(path, { method: "DELETE", headers: callerHeaders({}) })).status).toBe(200);
    expect(textOf(await running)).toBe("word0");
    expect(await transcript(gateway.url, session)).toEqual([]);
    await expectNextTurnWorks(session, stream, []);
  });

  it("telemetry: instruments that throw change nothing", async () => {
    const session = await startedSession(stream);
    faults.telemetry = true;
    const answer = await ask(gateway.url, { session, stream, messages: [said("more [[len:1]]")] });
    expect({ status: answer.status, text: textOf(answer), codes: errorCodes(answer), whole: answer.whole }).toEqual({
      status: 200,
      text: "word0",
      codes: [],
      whole: true,
    });
    const stored = [...first, "user: more [[len:1]]", "assistant: word0"];
    expect(await transcript(gateway.url, session)).toEqual(stored);
    await expectNextTurnWorks(session, stream, stored);
  });
});

describe("when the token counter cannot be loaded", () => {
  it("turns run on estimates, and each is counted", async () => {
    faults.vocabulary = true;
    const estimating = await startTestGateway({ env: { STATEGATE_STORE: "memory:" } });
    try {
      for (const stream of [false, true]) {
        const answer = await ask(estimating.url, { session: "one", stream, messages: [said(QUESTION)] });
        expect({ status: answer.status, text: textOf(answer), whole: answer.whole }).toEqual({
          status: 200,
          text: REPLY,
          whole: true,
        });
      }
      expect(await transcript(estimating.url, "one")).toEqual([...first, ...first]);
      expect(await degradedCounts(estimating.origin)).toEqual({ tokens_estimated: 2 });
      expect(estimating.turns.every(({ sentTokens }) => sentTokens > 0)).toBe(true);
    } finally {
      await estimating.close();
    }
  });
});
