/** The failure table of DESIGN.md for the upstream: what passes through, what becomes an error, and what is remembered. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  ask,
  degradedCounts,
  errorCodes,
  said,
  send,
  textOf,
  transcript,
  type WireAnswer,
} from "../support/fault-client.ts";
import { jsonHead, type RawUpstream, startRawUpstream } from "../support/fault-upstream.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

const QUESTION = "hello [[len:3]]";
const REPLY = "word0 word1 word2";
const first = [`user: ${QUESTION}`, `assistant: ${REPLY}`];
/** Shorter than `[[hang]]` and `[[stall]]`, longer than anything else here takes. */
const timeouts = {
  STATEGATE_UPSTREAM__TIMEOUTS__FIRST_BYTE_MS: "500",
  STATEGATE_UPSTREAM__TIMEOUTS__IDLE_MS: "500",
  STATEGATE_STORE: "memory:",
};

let gateway: TestGateway;
let sessions = 0;
beforeAll(async () => {
  gateway = await startTestGateway({ env: timeouts });
});
afterAll(() => gateway.close());

interface Played {
  readonly answer: WireAnswer;
  /** The transcript behind the first turn, after the fault. */
  readonly added: readonly string[];
}

/** A good turn, one that goes wrong by `directive`, and a good one again that must work as ever. */
async function play(directive: string, stream: boolean): Promise<Played> {
  const session = `session-${++sessions}`;
  await ask(gateway.url, { session, stream, messages: [said(QUESTION)] });
  const answer = await ask(gateway.url, { session, stream, messages: [said(`broken ${directive}`)] });
  const after = await transcript(gateway.url, session);
  expect(after.slice(0, 2)).toEqual(first);
  const next = await ask(gateway.url, { session, stream, messages: [said("next [[len:1]]")] });
  expect({ status: next.status, text: textOf(next), whole: next.whole }).toEqual({
    status: 200,
    text: "word0",
    whole: true,
  });
  expect(next.headers["x-session-degraded"]).toBeUndefined();
  expect(await transcript(gateway.url, session)).toEqual([...after, "user: next [[len:1]]", "assistant: word0"]);
  expect(await degradedCounts(gateway.origin)).toEqual({});
  return { answer, added: after.slice(2) };
}

const passedHeaders = (headers: WireAnswer["headers"]) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      /^(?:retry-after|x-ratelimit|x-request-id|openai-|content-type)/.test(name),
    ),
  );

const forms = [
  { form: "plain", stream: false },
  { form: "streamed", stream: true },
];

describe.each(forms)("an upstream that answers with an error ($form)", ({ stream }) => {
  it.each([400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 529])(
    "%d passes with its body and headers, and is not part of the history",
    async (status) => {
      const directive = `[[error:${status}]]`;
      const direct = await ask(gateway.upstream.url, { stream, messages: [said(directive)] });
      const { answer, added } = await play(directive, stream);
      expect({ status: answer.status, body: answer.body }).toEqual({ status, body: direct.body });
      const [passed, given] = [passedHeaders(answer.headers), passedHeaders(direct.headers)];
      expect(Object.keys(passed)).toEqual(Object.keys(given));
      expect({ ...passed, "x-request-id": "" }).toEqual({ ...given, "x-request-id": "" });
      expect(passed["x-request-id"]).toMatch(/^req_/);
      expect(answer.headers["retry-after"]).toBe(status === 429 || status >= 500 ? "1" : undefined);
      expect(added).toEqual([]);
    },
  );

  it("a proxy's HTML page passes as it is", async () => {
    const { answer, added } = await play("[[html]]", stream);
    expect(answer.status).toBe(502);
    expect(answer.headers["content-type"]).toBe("text/html");
    expect(answer.body).toBe("<html><body><h1>502 Bad Gateway</h1></body></html>");
    expect(added).toEqual([]);
  });
});

describe.each(forms)("an upstream that does not answer ($form)", ({ stream }) => {
  it.each([
    { fault: "closes before the head", directive: "[[drop]]", status: 502, code: "upstream_unreachable" },
    { fault: "never answers", directive: "[[hang]]", status: 504, code: "upstream_timeout" },
  ])("$fault: $status, and nothing is stored", async ({ directive, status, code }) => {
    const { answer, added } = await play(directive, stream);
    expect({ status: answer.status, codes: errorCodes(answer), whole: answer.whole }).toEqual({
      status,
      codes: [code],
      whole: true,
    });
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["retry-after"]).toBe("1");
    expect(added).toEqual([]);
  });

  it("refuses the connection: 502, and nothing is stored", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => void probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => void probe.close(resolve));
    const env = { ...timeouts, STATEGATE_UPSTREAM_URL: `http://127.0.0.1:${port}/v1` };
    const alone = await startTestGateway({ env, upstream: gateway.upstream });
    try {
      const answer = await ask(alone.url, { session: "one", stream, messages: [said(QUESTION)] });
      expect({ status: answer.status, codes: errorCodes(answer) }).toEqual({
        status: 502,
        codes: ["upstream_unreachable"],
      });
      expect(answer.headers["retry-after"]).toBe("1");
      expect((await send(`${alone.origin}/readyz`, {})).status).toBe(503);
    } finally {
      await alone.close();
    }
  });
});

describe("an upstream that breaks off a plain answer", () => {
  const half = '{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"half of a sen';
  it.each([
    { fault: "closes", code: "upstream_cut", status: 502, end: "destroy" as const },
    { fault: "resets", code: "upstream_cut", status: 502, end: "resetAndDestroy" as const },
    { fault: "falls silent", code: "upstream_timeout", status: 504, end: undefined },
  ])("and $fault: an error, nothing of the half, nothing stored", async ({ code, status, end }) => {
    const raw: RawUpstream = await startRawUpstream((socket) => {
      socket.write(jsonHead(10_000) + half, () => end && setImmediate(() => socket[end]()));
    });
    const env = { ...timeouts, STATEGATE_UPSTREAM_URL: raw.url };
    const alone = await startTestGateway({ env, upstream: gateway.upstream });
    try {
      const answer = await ask(alone.url, { session: "one", messages: [said(QUESTION)] });
      expect({ status: answer.status, codes: errorCodes(answer), whole: answer.whole }).toEqual({
        status,
        codes: [code],
        whole: true,
      });
      expect(answer.body).not.toContain("half");
    } finally {
      await alone.close();
      await raw.close();
    }
  });
});

describe("an upstream that breaks off a stream", () => {
  it.each([0, 1, 2, 5])(
    "cut after %d pieces: one error event, no invented end, stored as incomplete",
    async (pieces) => {
      await expectBrokenStream(`[[cut:${pieces}]]`, pieces, ["upstream_cut"]);
    },
  );
  it.each([0, 1, 5])("reset after %d pieces: one error event, stored as incomplete", async (pieces) => {
    await expectBrokenStream(`[[reset:${pieces}]]`, pieces, ["upstream_cut"]);
  });
  it.each([0, 1, 5])("silent after %d pieces: one error event, stored as incomplete", async (pieces) => {
    await expectBrokenStream(`[[stall:${pieces}]]`, pieces, ["upstream_timeout"]);
  });
  it.each([0, 1, 5])("its own error event after %d pieces passes, and no second one follows", async (pieces) => {
    await expectBrokenStream(`[[fail:${pieces}]]`, pieces, [null]);
  });

  it("a polite end in the middle is a cut too", async () => {
    const piece = `data: ${JSON.stringify({ id: "x", choices: [{ index: 0, delta: { content: "half" }, finish_reason: null }] })}\n\n`;
    const raw = await startRawUpstream((socket) => {
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${piece}data: [DONE]\n\n`,
      );
    });
    const env = { ...timeouts, STATEGATE_UPSTREAM_URL: raw.url };
    const alone = await startTestGateway({ env, upstream: gateway.upstream });
    try {
      const answer = await ask(alone.url, { session: "one", stream: true, messages: [said(QUESTION)] });
      expect({ text: textOf(answer), codes: errorCodes(answer), whole: answer.whole }).toEqual({
        text: "half",
        codes: ["upstream_cut"],
        whole: true,
      });
      expect(answer.events).not.toContain("[DONE]");
    } finally {
      await alone.close();
      await raw.close();
    }
  });

  async function expectBrokenStream(directive: string, pieces: number, codes: readonly (string | null)[]) {
    const { answer, added } = await play(`[[len:8]] ${directive}`, true);
    const text = Array.from({ length: pieces }, (_, index) => `word${index}`).join(" ");
    expect({ status: answer.status, text: textOf(answer), whole: answer.whole }).toEqual({
      status: 200,
      text,
      whole: true,
    });
    expect(errorCodes(answer)).toEqual(codes);
    expect(answer.events.at(-1)).toContain('"error"');
    expect(answer.events).not.toContain("[DONE]");
    expect(answer.body).not.toContain('"finish_reason":"');
    const question = `user: broken [[len:8]] ${directive}`;
    expect(added).toEqual(pieces === 0 ? [] : [`${question} (incomplete)`, `assistant: ${text} (incomplete)`]);
  }
});

describe.each(forms)("an upstream that is odd, but answers ($form)", ({ stream }) => {
  it.each(["[[usage:none]]", "[[heartbeat]]", "[[reason]]", "[[azure]]"])(
    "%s is stored as it was meant",
    async (directive) => {
      const { answer, added } = await play(`[[len:4]] ${directive}`, stream);
      const text = "word0 word1 word2 word3";
      expect({ status: answer.status, text: textOf(answer), codes: errorCodes(answer), whole: answer.whole }).toEqual({
        status: 200,
        text,
        codes: [],
        whole: true,
      });
      expect(answer.comments.length > 0).toBe(stream && directive === "[[heartbeat]]");
      expect(added).toEqual([`user: broken [[len:4]] ${directive}`, `assistant: ${text}`]);
    },
  );

  it("[[garbage]] passes; only what can be read of it is stored", async () => {
    const { answer, added } = await play("[[len:2]] [[garbage]]", stream);
    expect(answer.status).toBe(200);
    if (stream) {
      expect(answer.events[0]).toBe('{"choices": [{"delta": {"con');
      expect(answer.events.at(-1)).toBe("[DONE]");
      expect(added).toEqual(["user: broken [[len:2]] [[garbage]]", "assistant: word0 word1"]);
    } else {
      expect(answer.body).toBe('{"choices": [{"mess');
      expect(added).toEqual([]);
    }
  });
});

describe("an upstream with its own idea of how a stream ends", () => {
  it.each([
    { directive: "[[nodone]]", ends: 0 },
    { directive: "[[donetwice]]", ends: 2 },
  ])("$directive passes as it is and is stored as complete, once", async ({ directive, ends }) => {
    const { answer, added } = await play(`[[len:2]] ${directive}`, true);
    expect(answer.events.filter((event) => event === "[DONE]")).toHaveLength(ends);
    expect({ text: textOf(answer), codes: errorCodes(answer), whole: answer.whole }).toEqual({
      text: "word0 word1",
      codes: [],
      whole: true,
    });
    expect(added).toEqual([`user: broken [[len:2]] ${directive}`, "assistant: word0 word1"]);
  });
});
