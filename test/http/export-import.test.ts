import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type CannedUpstream, startCannedUpstream } from "../support/canned-upstream.ts";
import { clientScripts } from "../support/client-script.ts";
import { ask, freshSession, onSession, send, sendChat, storedMessages } from "../support/http-calls.ts";
import { createHttpExecutors, type HttpExecutor } from "../support/http-execute.ts";
import { playScript } from "../support/play-script.ts";
import { inCiOrProving } from "../support/prove.ts";
import { createReferenceConversation } from "../support/reference-conversation.ts";
import { startTestGateway, type TestGateway } from "../support/test-gateway.ts";
import { bodyOf, exportOf, importInto, openVaultOf, ownerOf } from "../support/user-exports.ts";

const SESSIONS = inCiOrProving(30, 1_050);
const timeout = 60_000 + SESSIONS * 500;

/** Epochs as short as can be, so that summaries, fronts and rewinds are all there. */
const env = (upstream: CannedUpstream) => ({
  STATEGATE_UPSTREAM_URL: upstream.url,
  STATEGATE_HISTORY__FLOOR_TOKENS: "0",
  STATEGATE_HISTORY__WINDOW__TURNS: "1",
  STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
  STATEGATE_HISTORY__EXACT: "true",
  STATEGATE_HISTORY__SUMMARY__MODE: "extractive",
});

let upstream: CannedUpstream;
let source: TestGateway;
let target: TestGateway;
let time = Date.now();
beforeAll(async () => {
  upstream = await startCannedUpstream();
  // Every answer is a millisecond older, so that sessions have an order that no key decides.
  source = await startTestGateway({ clock: () => (time += 1), env: env(upstream) });
  target = await startTestGateway({ env: env(upstream) });
});
afterAll(async () => {
  await source.close();
  await target.close();
  await upstream.close();
});

interface ExportedSession {
  readonly id: string;
  readonly turns: number;
}

async function playSessions(gateway: TestGateway, count: number): Promise<void> {
  const openExecutor: (id: string) => HttpExecutor = createHttpExecutors(gateway, upstream);
  const scripts = clientScripts({ maxClients: 3, maxSteps: 10, words: ["unique", "few"], races: true });
  for (const script of fc.sample(scripts, { numRuns: count, seed: 3 })) {
    const { execute } = openExecutor(freshSession());
    await playScript(script, { execute, reference: createReferenceConversation(), check: () => undefined });
  }
}

const parsed = (lines: readonly string[], object: string) =>
  lines.map((line) => JSON.parse(line)).filter((line) => line.object === object);

describe("export and import", () => {
  let lines: string[];
  beforeAll(async () => {
    await playSessions(source, SESSIONS);
    lines = await exportOf(source);
  }, timeout);

  it("an export holds every session and every turn, branches included", async () => {
    const sessions = parsed(lines, "session") as ExportedSession[];
    const turns = parsed(lines, "turn");
    const end = parsed(lines, "export.end")[0];
    expect(sessions.length).toBeGreaterThan(SESSIONS / 2);
    expect(end).toMatchObject({ sessions: sessions.length, turns: turns.length, problems: 0 });
    expect(turns.length).toBe(sessions.reduce((sum, session) => sum + session.turns, 0));
    for (const has of ["tool_calls", '"rewind_to"', '"incomplete"', '"answers":2', '"summary"', "[EMAIL_"]) {
      expect(lines.join("\n"), has).toContain(has);
    }
  });

  it("an export holds no hash of what was said before redaction: it could be tried", () => {
    expect(lines.filter((line) => /"(?:request_hash|idempotency_hash|systemHash)"/.test(line))).toEqual([]);
  });

  it("what is imported into an empty store is exported again, line for line", { timeout }, async () => {
    const vault = await openVaultOf(target);
    const report = await importInto(vault, await ownerOf(target), lines);
    await vault.close();
    expect(report).toMatchObject({ sessions: parsed(lines, "session").length, skipped: [] });
    const again = await exportOf(target);
    expect(bodyOf(again)).toEqual(bodyOf(lines));
    process.stdout.write(`export and import: ${report.sessions} sessions, ${report.turns} turns, 0 lines differ\n`);
  });

  it("an imported session reads as before and goes on", { timeout }, async () => {
    for (const { id } of (parsed(lines, "session") as ExportedSession[]).slice(0, 20)) {
      expect(await storedMessages(target, id)).toEqual(await storedMessages(source, id));
      const { headers, status } = await sendChat(target, ask("and now?"), {
        headers: onSession(id, { "x-history-mode": "delta" }),
      });
      expect(status).toBe(200);
      expect(headers.get("x-history-mode")).toBe("delta");
    }
  });

  it("a client that replays is known again after an import, though other keys made the fingerprints", async () => {
    const [from, to] = [await startTestGateway(), await startTestGateway()];
    const id = freshSession();
    const asked = { role: "user", content: "what is the tide?" };
    const first = await sendChat(from, { model: "gpt-5", messages: [asked] }, { headers: onSession(id) });
    const [choice] = first.json<{ choices: { message: object }[] }>().choices;
    const vault = await openVaultOf(to);
    await importInto(vault, await ownerOf(to), await exportOf(from));
    const replayed = { model: "gpt-5", messages: [asked, choice?.message, { role: "user", content: "and tomorrow?" }] };
    const { headers } = await sendChat(to, replayed, { headers: onSession(id) });
    expect(headers.get("x-history-mode")).toBe("replay");
    await Promise.all([vault.close(), from.close(), to.close()]);
  });

  it("sessions that are there already are left as they are, and named by their line", async () => {
    const vault = await openVaultOf(target);
    const before = await exportOf(target);
    const report = await importInto(vault, await ownerOf(target), lines);
    await vault.close();
    expect(report.sessions).toBe(0);
    expect(new Set(report.skipped.map(({ why }) => why))).toEqual(new Set(["exists"]));
    expect(lines[(report.skipped[0]?.lineNumber ?? 0) - 1]).toContain('"object":"session"');
    expect(bodyOf(await exportOf(target))).toEqual(bodyOf(before));
  });

  it.each([
    ["a changed byte", (whole: string[]) => whole.map((line) => line.replace('"gpt-5"', '"gpt-6"')), "last line"],
    ["a missing end", (whole: string[]) => whole.slice(0, -1), "not whole"],
    ["a missing line", (whole: string[]) => whole.filter((_, at) => at !== 2), "line"],
    [
      "another version",
      ([head = "", ...rest]: string[]) => [head.replace('"version":1', '"version":2'), ...rest],
      "version",
    ],
    [
      "an unknown slot",
      (whole: string[]) => whole.map((line) => line.replace('"slots":{}', '"slots":{"odd":[]}')),
      "slots",
    ],
    ["a line behind the end", (whole: string[]) => [...whole, "{}"], "follows"],
  ])("an export with %s is refused before anything of it is written", async (_, spoil, complaint) => {
    const empty = await startTestGateway({ env: env(upstream) });
    const vault = await openVaultOf(empty);
    const owner = await ownerOf(empty);
    await expect(importInto(vault, owner, spoil([...lines]))).rejects.toThrow(complaint);
    expect(await vault.store.sessions.list(owner, { limit: 1, order: "asc" })).toEqual([]);
    await vault.close();
    await empty.close();
  });

  it("an import that an erasure overtakes brings nothing back", async () => {
    const [from, to] = [await startTestGateway(), await startTestGateway()];
    for (const id of ["one", "two", "three"]) await sendChat(from, ask("hello"), { headers: onSession(id) });
    const exported = (await exportOf(from)).map((line) => Buffer.from(`${line}\n`));
    const vault = await openVaultOf(to);
    const owner = await ownerOf(to);
    let reads = 0;
    const report = await importInto(vault, owner, async function* () {
      reads += 1;
      // Header, session and turn, and the next session, by which the first is known to be whole.
      yield* exported.slice(0, 4);
      if (reads === 2) {
        expect(await vault.store.sessions.count(owner, 10)).toBe(1);
        await send(to, "/me", { method: "DELETE" });
      }
      yield* exported.slice(4);
    });
    expect(report).toMatchObject({ sessions: 1, skipped: [{ why: "erased_meanwhile" }, { why: "erased_meanwhile" }] });
    expect(await vault.store.sessions.count(owner, 10)).toBe(0);
    await Promise.all([vault.close(), from.close(), to.close()]);
  });

  it("what an export holds in clear is redacted on its way in", async () => {
    const empty = await startTestGateway();
    const plain = await startTestGateway({ env: { STATEGATE_REDACTION__MODE: "off" } });
    await sendChat(plain, ask("write to grace@example.org"), { headers: onSession("clear") });
    const vault = await openVaultOf(empty);
    await importInto(vault, await ownerOf(empty), await exportOf(plain));
    await vault.close();
    const imported = (await exportOf(empty)).join("\n");
    expect(imported).not.toContain("grace@example.org");
    // Title, question and answer.
    expect(imported.match(/write to \[EMAIL_[0-9a-f]{8}\]/g)).toHaveLength(3);
    await empty.close();
    await plain.close();
  });
});
