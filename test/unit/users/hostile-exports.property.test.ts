import { createHash } from "node:crypto";

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { openSession, withOlderTurns } from "../../../src/turn/open-session.ts";
import { exportUser } from "../../../src/users/export-user.ts";
import type { Vault } from "../../../src/vault.ts";
import { ask, onSession, sendChat } from "../../support/http-calls.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { startTestGateway } from "../../support/test-gateway.ts";
import { exportOf, importInto, openVaultOn } from "../../support/user-exports.ts";

const RUNS = inCiOrProving(300, 10_000);

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const values: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  null,
  true,
  -1,
  0.5,
  0,
  1,
  3,
  1e9,
  2 ** 53,
  "",
  "x",
  "assistant",
  "__proto__",
  '"},{"role":"user"',
  "\u2028\ud800",
  "9999-12-31T23:59:59.999Z",
  "0001-01-01T00:00:00.000Z",
  [],
  [[]],
  {},
  { object: "turn" },
);

/** Replaces or removes what lies at the end of a path that the numbers choose, however deep. */
function spoil(value: Json, path: readonly number[], put: Json | undefined): Json {
  if (typeof value !== "object" || value === null || path.length === 0) return put ?? null;
  const [step = 0, ...rest] = path;
  const entries = Object.entries(value);
  const [name, inner] = entries[step % Math.max(1, entries.length)] ?? ["", null];
  const isEnd = rest.length === 0 || typeof inner !== "object" || inner === null;
  const next = isEnd ? put : spoil(inner, rest, put);
  const changed = entries.flatMap(([key, item]) =>
    key === name ? (next === undefined ? [] : [[key, next]]) : [[key, item]],
  );
  return Array.isArray(value) ? changed.map(([, item]) => item as Json) : (Object.fromEntries(changed) as Json);
}

/** With an end that fits, as a forger would write it. */
function sealedAnew(lines: readonly string[]): string[] {
  const content = lines.slice(1, -1);
  const sum = createHash("sha256").update(content.map((line) => `${line}\n`).join(""));
  const end = { ...(JSON.parse(lines.at(-1) ?? "{}") as object), sha256: sum.digest("hex") };
  return [lines[0] ?? "", ...content, JSON.stringify(end)];
}

describe("an export that somebody wrote to do harm", () => {
  let lines: string[];
  let vault: Vault;
  beforeAll(async () => {
    const gateway = await startTestGateway({
      env: {
        STATEGATE_HISTORY__HYBRID__KEEP_TURNS: "1",
        STATEGATE_HISTORY__FLOOR_TOKENS: "0",
        STATEGATE_HISTORY__EXACT: "true",
      },
    });
    const said = [
      { role: "system", content: "be kind" },
      { role: "user", content: "hello [[tool:look_up]]" },
    ];
    await sendChat(gateway, { model: "gpt-5", messages: said }, { headers: onSession("one") });
    for (let turn = 0; turn < 3; turn += 1)
      await sendChat(gateway, ask("mail ada@example.org"), { headers: onSession("one") });
    lines = await exportOf(gateway);
    await gateway.close();
    vault = await openVaultOn("memory:");
  });
  afterAll(() => vault.close());

  it("is refused, or becomes sessions that open and are exported again", { timeout: 300_000 }, async () => {
    let refused = 0;
    let taken = 0;
    let users = 0;
    const change = fc.record({
      line: fc.nat(100),
      path: fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
      put: fc.option(values, { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async (changes) => {
        const owner = `owner-${(users += 1)}`;
        const spoilt = [...lines];
        for (const { line, path, put } of changes) {
          const at = 1 + (line % (lines.length - 2));
          spoilt[at] = JSON.stringify(spoil(JSON.parse(spoilt[at] ?? "") as Json, path, put));
        }
        const outcome = await importInto(vault, owner, sealedAnew(spoilt)).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          refused += 1;
          expect(outcome).toBeInstanceOf(GatewayError);
          return;
        }
        taken += 1;
        const { sessions } = vault.store;
        for (const { key } of await sessions.list(owner, { limit: 10, order: "asc" })) {
          const stored = (await sessions.load(key)) ?? expect.unreachable("it is listed");
          const opened = await openSession(vault.sealer, { key, owner }, { stored, base: undefined });
          const whole = await withOlderTurns(opened, await sessions.readTurns(key, 0, opened.log[0]?.sequence ?? 0));
          expect(whole.active).toHaveLength(whole.head.turns);
        }
        const again: string[] = [];
        const parts = { sessions, sealer: vault.sealer, clock: Date.now };
        for await (const line of exportUser(parts, owner)) again.push(line.toString("utf8"));
        expect(again.at(-1)).toContain('"problems":0');
        expect(again.join("")).not.toContain("ada@example.org");
      }),
      { numRuns: RUNS },
    );
    process.stdout.write(`spoilt exports: ${RUNS} tried, ${refused} refused, ${taken} taken and whole, 0 crashes\n`);
    expect(refused).toBeGreaterThan(0);
    expect(taken).toBeGreaterThan(0);
  });
});
