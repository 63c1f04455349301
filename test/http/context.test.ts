import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { chatsOf, freshSession, onSession, send, sendChat } from "../support/http-calls.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";

interface ShownSegment {
  readonly kind: string;
  readonly turns: { readonly from: number; readonly to: number } | null;
  readonly tokens: number;
  readonly placeholders: number;
  readonly messages: readonly { readonly role: string; readonly tokens: number }[];
}

interface ShownContext {
  readonly strategy: string;
  readonly turn_count: number;
  readonly last_request: {
    readonly cut: string | null;
    readonly tokens: number;
    readonly billed_tokens: number;
    readonly message_count: number;
    readonly dropped: { readonly turns: object; readonly reason: string } | null;
  } | null;
  readonly next_request: {
    readonly cut: string | null;
    readonly segments: readonly ShownSegment[];
    readonly tokens: number;
    readonly verbatim_turns: { readonly from: number; readonly to: number } | null;
    readonly dropped: { readonly turns: { to: number }; readonly tokens: number; readonly reason: string } | null;
  } | null;
  readonly ledger: {
    readonly epoch: number;
    readonly carried: number;
    readonly compaction: {
      readonly cache: string;
      readonly price: number;
      readonly carrying_cost: number;
      readonly turns_until_it_pays: number | null;
    } | null;
  } | null;
}

let now = Date.now();
let gateway: TestGateway;
beforeAll(async () => {
  const env = {
    STATEGATE_HISTORY__SUMMARY__MODE: "extractive",
    STATEGATE_HISTORY__FLOOR_TOKENS: "0",
    STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "3",
    STATEGATE_HISTORY__WINDOW__TURNS: "3",
  };
  gateway = await startTestGateway({ env, clock: () => now });
});
afterAll(() => gateway.close());

async function contextOf(session: string): Promise<ShownContext> {
  const answer = await send(gateway, `/sessions/${session}/context`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<ShownContext>();
}

const tools = [{ type: "function", function: { name: "look", parameters: { type: "object" } } }];
const system = { role: "system", content: "Be brief." };

async function say(session: string, text: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const body = { model: "gpt-5", tools, messages: [system, { role: "user", content: `${text} [[len:60]]` }] };
  expect((await sendChat(gateway, body, { headers: onSession(session, headers) })).status).toBe(200);
}

const sentRoles = (): string[] =>
  (chatsOf(gateway).at(-1)?.body as { messages: { role: string }[] }).messages.map(({ role }) => role);

/** What the newest request adds: its one user message. */
const ADDED = 1;

describe.each(["full", "window", "summary", "semantic", "hybrid"])("the context of a session under %s", (strategy) => {
  it("foretells each request: its segments, its cut, its tokens", async () => {
    const session = freshSession();
    const body = { id: session, strategy };
    expect((await send(gateway, "/sessions", { method: "POST", body })).status).toBe(201);
    const cuts: (string | null)[] = [];
    for (let turn = 0; turn < 24; turn += 1) {
      if (turn === 16) now += 3_600_000;
      const { next_request: next } = await contextOf(session);
      await say(session, `Remark ${turn}: ${"the weather turned again ".repeat(12)}`);
      const { last_request: last, strategy: used } = await contextOf(session);
      expect([used, last?.message_count]).toEqual([strategy, sentRoles().length]);
      expect(last?.billed_tokens).toBe(last?.tokens);
      if (!next) continue;
      cuts.push(next.cut);
      expect(last?.cut).toBe(next.cut);
      const foretold = next.segments.flatMap(({ messages }) => messages);
      expect(sentRoles()).toEqual([...foretold.map(({ role }) => role), "user"]);
      const added = last?.tokens ?? 0;
      expect(added - next.tokens).toBeGreaterThan(60);
      expect(added - next.tokens).toBeLessThan(90);
      expect(last?.dropped?.reason).toBe(next.dropped?.reason);
    }
    expect(new Set(cuts)).toEqual(new Set(strategy === "full" ? [null] : [null, "ledger", "cold"]));
    expect(sentRoles().length - ADDED).toBeGreaterThan(3);
  });
});

describe("the context of a session", () => {
  it("says when a cut will pay, and what it costs until then", async () => {
    const session = freshSession();
    const forecasts: { due: number | null; cut: string | null }[] = [];
    for (let turn = 0; turn < 14; turn += 1) {
      await say(session, "the weather turned again ".repeat(12));
      const { ledger, next_request: next } = await contextOf(session);
      const compaction = ledger?.compaction;
      expect(compaction?.cache).toBe("hot");
      forecasts.push({ due: compaction?.turns_until_it_pays ?? null, cut: next?.cut ?? null });
      const paid = (ledger?.carried ?? 0) + (compaction?.carrying_cost ?? 0);
      if (next?.cut === "ledger") expect(paid).toBeGreaterThanOrEqual(compaction?.price ?? Infinity);
    }
    expect(forecasts.filter(({ cut }) => cut === "ledger").length).toBeGreaterThan(0);
    for (const { due, cut } of forecasts) expect(due === 0).toBe(cut === "ledger");
    now += 3_600_000;
    expect((await contextOf(session)).ledger?.compaction?.cache).toBe("cold");
  });

  it("remembers why turns are left out, and holds the summary that stands for them", async () => {
    const session = freshSession();
    for (let turn = 0; turn < 14; turn += 1) await say(session, "the weather turned again ".repeat(12));
    const { next_request: next, ledger } = await contextOf(session);
    expect(ledger?.epoch).toBeGreaterThan(0);
    expect(next?.cut).toBeNull();
    expect(next?.dropped?.reason).toBe("ledger");
    const kinds = next?.segments.map(({ kind }) => kind) ?? [];
    expect(kinds.slice(0, 3)).toEqual(["system", "summary", "turn"]);
    expect(next?.segments[1]).toMatchObject({ by: "extractive", turns: { from: 1, to: next?.dropped?.turns.to } });
    expect(next?.segments[2]?.turns?.from).toBe((next?.dropped?.turns.to ?? 0) + 1);
  });

  it("counts placeholders and the note they bring, and shows no text", async () => {
    const session = freshSession();
    await say(session, "My address is ada.lovelace@example.org, near the weathervane.");
    const answer = await send(gateway, `/sessions/${session}/context`);
    const segments = answer.json<ShownContext>().next_request?.segments ?? [];
    expect(segments.map(({ kind, placeholders }) => [kind, placeholders])).toEqual([
      ["system", 0],
      ["turn", expect.any(Number)],
      ["note", 0],
    ]);
    expect(segments[1]?.placeholders).toBeGreaterThan(0);
    expect(answer.text).not.toMatch(/ada|weathervane|EMAIL_|Be brief/);
  });

  it("is asked for without a trace, also before the first turn", async () => {
    const session = freshSession();
    expect((await send(gateway, "/sessions", { method: "POST", body: { id: session } })).status).toBe(201);
    expect(await contextOf(session)).toMatchObject({ turn_count: 0, last_request: null, next_request: null });
    await say(session, "hello");
    const before = (await send(gateway, `/sessions/${session}`)).json();
    now += 60_000;
    const first = await contextOf(session);
    expect(await contextOf(session)).toEqual(first);
    expect((await send(gateway, `/sessions/${session}`)).json()).toEqual(before);
  });

  it("of another user is not there", async () => {
    const session = freshSession();
    await say(session, "hello");
    const answer = await send(gateway, `/sessions/${session}/context`, { key: "sk-somebody-else" });
    expect(answer.status).toBe(404);
  });
});
