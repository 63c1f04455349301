import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { type SimulatedUpstream, startSimulatedUpstream } from "../../../src/demo/simulated-upstream.ts";
import type { HistoryTurn } from "../../../src/history/history-strategy.ts";
import type { SummaryCaller, SummaryJob } from "../../../src/history/summariser.ts";
import { Secret } from "../../../src/kit/secret.ts";
import { createOpenAiSummariser } from "../../../src/upstream/openai-summariser.ts";
import { startRawServer } from "./upstream-harness.ts";

let simulated: SimulatedUpstream;

beforeEach(async () => {
  simulated = await startSimulatedUpstream();
});
afterEach(() => simulated.close());

const turn = (...messages: object[]): HistoryTurn => ({
  messages: [],
  stored: messages.map((message) => ({
    role: "role" in message ? String(message.role) : "",
    bytes: Buffer.from(JSON.stringify(message)),
    tokens: 1,
    toolCallIds: [],
    toolCallId: undefined,
    redactions: 0,
  })),
});
const job: SummaryJob = {
  fromTurn: 4,
  turns: [
    turn({ role: "user", content: "My order is A-1009 [[error:500]]" }, { role: "assistant", content: "Noted." }),
  ],
  previous: undefined,
  maxTokens: 120,
};
const caller = (fields: Partial<SummaryCaller> = {}): SummaryCaller => ({
  model: "gpt-4o-mini",
  credential: { header: "authorization", value: "Bearer sk-caller" },
  signal: new AbortController().signal,
  ...fields,
});
const summarise = (fields: Partial<SummaryCaller> = {}, apiKey?: Secret) =>
  createOpenAiSummariser({ baseUrl: simulated.url, timeoutMs: 5_000, ...(apiKey && { apiKey }) }).summarise(
    job,
    caller(fields),
  );
const lastBody = (): unknown => simulated.log.at(-1)?.body;

describe("the summariser", () => {
  it("hands back the text and what it cost", async () => {
    const result = await summarise();
    const entry = simulated.log[0];
    expect(result.text).toContain("A-1009");
    expect(result).toMatchObject({
      model: "gpt-4o-mini",
      promptTokens: entry?.promptTokens,
      completionTokens: entry?.completionTokens,
      cachedTokens: 0,
    });
  });

  it("quotes both ends of a turn that is a whole history, and no more of it than a bounded part", async () => {
    const remarks = Array.from({ length: 1_000 }, (_, at) => ({
      role: "user",
      content: `remark ${at} ${"x".repeat(400)}`,
    }));
    const summariser = createOpenAiSummariser({ baseUrl: simulated.url, timeoutMs: 5_000 });
    await summariser.summarise({ ...job, turns: [turn(...remarks)] }, caller());
    const quoted = JSON.stringify(lastBody());
    expect(quoted.length).toBeLessThan(130_000);
    expect(quoted).toContain("remark 0 ");
    expect(quoted).toContain("remark 999 ");
  });

  it("asks with the caller's credential, whichever header it came in", async () => {
    await summarise();
    expect(simulated.log[0]?.headers.authorization).toBe("Bearer sk-caller");
    await summarise({ credential: { header: "api-key", value: "sk-azure" } });
    expect(simulated.log[1]?.headers).toMatchObject({ "api-key": "sk-azure" });
    expect(simulated.log[1]?.headers.authorization).toBeUndefined();
  });

  it("asks with the gateway's key where it has one", async () => {
    await summarise({}, new Secret("sk-gateway"));
    expect(simulated.log[0]?.headers.authorization).toBe("Bearer sk-gateway");
  });

  it.each([
    ["gpt-4o-mini", undefined, 120],
    ["gpt-5-mini", "minimal", 2_168],
    ["openai/gpt-5", "minimal", 2_168],
    ["gpt-5.1", "low", 2_168],
    ["o4-mini", "low", 2_168],
    ["gpt-5-chat-latest", undefined, 120],
    ["llama3.2", undefined, 120],
  ])("%s is asked with effort %s and at most %i tokens", async (model, effort, limit) => {
    await summarise({ model });
    expect(lastBody()).toMatchObject({ model, max_completion_tokens: limit });
    expect((lastBody() as { reasoning_effort?: string }).reasoning_effort).toBe(effort);
  });

  it.each([
    ["[[refuse]]", "summary refused by the model"],
    ["[[finish:length]]", "summary not finished by the model"],
    ["[[finish:content_filter]]", "summary not finished by the model"],
    ["[[len:0]]", "summary empty"],
    ["[[error:400]]", "summary failed: BadRequestError 400"],
    ["[[garbage]]", "summary failed: SyntaxError"],
  ])("rejects an answer that is %s: %s", async (directive, message) => {
    simulated.steerSummaries(directive);
    await expect(summarise()).rejects.toMatchObject({ name: "GatewayError", message });
  });

  it("tries a second time when the upstream has a bad moment, not a third", async () => {
    simulated.steerSummaries("[[error:500]]");
    await expect(summarise()).rejects.toMatchObject({ code: "upstream_unreachable" });
    expect(simulated.log).toHaveLength(2);
  });

  it("never quotes the upstream's message, which may hold a key or the prompt", async () => {
    const guarded = await startSimulatedUpstream({ keys: [] });
    const summariser = createOpenAiSummariser({ baseUrl: guarded.url, timeoutMs: 5_000 });
    const error: unknown = await summariser.summarise(job, caller()).catch((reason: unknown) => reason);
    await guarded.close();
    expect(error).toMatchObject({ message: "summary failed: AuthenticationError 401" });
    expect(error).not.toHaveProperty("cause");
  });

  it("stops when the signal says so", async () => {
    const controller = new AbortController();
    simulated.steerSummaries("[[hang]]");
    const running = summarise({ signal: controller.signal });
    await expect.poll(() => simulated.log.length).toBe(1);
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: "GatewayError" });
    await expect.poll(() => simulated.log[0]?.aborted).toBe(true);
  });

  it("gives up in time", async () => {
    simulated.steerSummaries("[[hang]]");
    const hasty = createOpenAiSummariser({ baseUrl: simulated.url, timeoutMs: 50 });
    await expect(hasty.summarise(job, caller())).rejects.toMatchObject({ code: "upstream_timeout" });
  });

  it("follows no redirect", async () => {
    const raw = await startRawServer((socket) =>
      socket.end(
        `HTTP/1.1 307 X\r\nlocation: ${simulated.url}/chat/completions\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      ),
    );
    const redirected = createOpenAiSummariser({ baseUrl: raw.url, timeoutMs: 5_000 });
    await expect(redirected.summarise(job, caller())).rejects.toMatchObject({ name: "GatewayError" });
    await raw.close();
    expect(simulated.log).toHaveLength(0);
  });

  it("an upstream that knows no newer parameters is asked with the older ones, and remembered", async () => {
    const bodies: string[] = [];
    const refusal = JSON.stringify({ error: { message: "Unsupported parameter: 'max_completion_tokens'" } });
    const answer = JSON.stringify({
      model: "m",
      choices: [{ index: 0, message: { content: "Old." }, finish_reason: "stop" }],
    });
    const raw = await startRawServer((socket) => {
      const body = socketText(raw.received);
      bodies.push(body);
      const [status, text] = body.includes("max_completion_tokens") ? [400, refusal] : [200, answer];
      socket.end(
        `HTTP/1.1 ${status} X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
      );
    });
    const summariser = createOpenAiSummariser({ baseUrl: raw.url, timeoutMs: 5_000 });
    expect(await summariser.summarise(job, caller())).toMatchObject({ text: "Old.", promptTokens: 0 });
    await summariser.summarise(job, caller());
    await raw.close();
    expect(bodies.map((body) => body.includes('"max_tokens":120'))).toEqual([false, true, true]);
  });
});

const socketText = (received: readonly (readonly Buffer[])[]): string =>
  Buffer.concat(received.at(-1) ?? []).toString();
