/** Upstream mode when parts fail: whatever breaks, nothing that was not checked leaves. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { ask, callerHeaders, errorCodes, said, send, textOf } from "../support/fault-client.ts";
import { faults, mendAll } from "../support/fault-parts.ts";
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

const EMAIL = "jane.doe@example.com";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ env: { STATEGATE_REDACTION__MODE: "upstream" } });
});
afterEach(() => {
  mendAll();
  gateway.upstream.reset();
});
afterAll(() => gateway.close());

const caller = (session: string) => ({ session, key: "sk-user-1" });

describe("a redactor that fails", () => {
  it("lets nothing leave: 503 on every route, and the next try is answered", async () => {
    faults.redact = true;
    const headers = { "content-type": "application/json", ...callerHeaders(caller("broken")) };
    const tries = () => [
      ask(gateway.url, { ...caller("broken"), messages: [said(EMAIL)] }),
      ask(gateway.url, { ...caller("broken"), messages: [said(EMAIL)], stream: true }),
      ask(gateway.url, { messages: [said(EMAIL)] }),
      send(`${gateway.url}/embeddings`, { method: "POST", headers, body: JSON.stringify({ input: EMAIL }) }),
    ];
    const refused = await Promise.all(tries());
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(refused.flatMap(errorCodes)).toEqual(refused.map(() => "redaction_failed"));
    expect(gateway.upstream.log).toEqual([]);
    mendAll();
    const answers = await Promise.all(tries());
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(textOf(answers[0] ?? refused[0]!)).toContain(EMAIL);
  });

  it("stores nothing of an answer that it cannot read, and the client has it with its values", async () => {
    const asking = ask(gateway.url, { ...caller("late"), messages: [said(`${EMAIL} [[delay:50]]`)] });
    await vi.waitUntil(() => gateway.upstream.log.some(({ path }) => path.endsWith("/chat/completions")));
    faults.redact = true;
    const answer = await asking;
    expect(answer.status).toBe(200);
    expect(answer.headers["x-session-degraded"]).toBe("redaction_failed");
    expect(textOf(answer)).toContain(EMAIL);
  });
});

describe("a store that cannot be read", () => {
  it.each([false, true])("changes nothing about what the provider sees (stream: %s)", async (stream) => {
    faults.store.load = true;
    const messages = [said(EMAIL), { role: "assistant", content: `so ${EMAIL}` }, said("[[echo]]")];
    const answer = await ask(gateway.url, { ...caller("unread"), messages, stream });
    expect(answer.headers["x-session-degraded"]).toBe("load_failed");
    expect(textOf(answer).split(EMAIL)).toHaveLength(3);
    expect(gateway.upstream.log.map(({ bytes }) => bytes.toString()).join()).not.toContain(EMAIL);
  });
});

describe("many writers on one session", () => {
  it("lose no value of each other", async () => {
    const emails = Array.from({ length: 8 }, (_, index) => `person.${"abcdefgh"[index]}@example.com`);
    await Promise.all(
      emails.map((email) => ask(gateway.url, { ...caller("crowd"), messages: [said(`write to ${email}`)] })),
    );
    await gateway.restart();
    const answer = await ask(gateway.url, { ...caller("crowd"), messages: [said("[[echo]]")] });
    for (const email of emails) expect(textOf(answer)).toContain(email);
    expect(gateway.upstream.log.map(({ bytes }) => bytes.toString()).join()).not.toContain("@example.com");
  });
});
