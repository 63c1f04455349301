import { createSecretKey, randomBytes, randomInt } from "node:crypto";

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

import { createAuditChain } from "../../../src/audit/audit-chain.ts";
import { anchorOf } from "../../../src/audit/audit-entry.ts";
import { decodeRow, encodeRow } from "../../../src/audit/audit-rows.ts";
import { createAuditSigner } from "../../../src/audit/audit-signer.ts";
import { anchorOfLine, verifyAudit } from "../../../src/audit/verify-audit.ts";
import type { AuditRow } from "../../../src/store/audit-store.ts";
import { inCiOrProving } from "../../support/prove.ts";
import { auditWorld } from "./audit-fixtures.ts";
import { mutations, signedByAnother } from "./mutate-audit.ts";

const MUTATIONS = inCiOrProving(500, 5_000);
const SPEED_ENTRIES = inCiOrProving(20_000, 500_000);

const otherSigner = createAuditSigner(createSecretKey(randomBytes(32)));

/** Five processes beside one store: users with and without keys, an outage; and the last line that each forwarded. */
async function someDays() {
  const world = auditWorld();
  await world.meet("alice");
  await world.meet("bob");
  const seen: string[] = [];
  for (let process = 0; process < 4; process += 1) {
    const audit = world.openLog();
    for (let count = 0; count < 60 + 25 * process; count += 1) {
      const owner = ["alice", "bob", "nobody"][count % 3] ?? "";
      audit.record({ event: "session_created", owner, address: "203.0.113.9", counts: { turns: count } });
      world.clock.advance(1_000);
      if (count % 10 === 0) await audit.flush();
    }
    await audit.close();
    seen.push(world.forwarded.at(-1) ?? "");
  }
  const afterOutage = createAuditChain(world.signer);
  const at = world.clock.now();
  const rows = [
    afterOutage.link({ at, event: "sys_startup" }),
    afterOutage.link({ at, event: "session_deleted", missing: 7 }),
    afterOutage.sign(at, 2),
  ];
  await world.backend.audit.append(rows);
  return {
    rows: await world.rows(),
    publicKey: world.signer.publicKey,
    seen: [...seen.map(anchorOfLine), ...rows.slice(-1).map(anchorOf)],
  };
}

const rowsOf = (rows: readonly AuditRow[]) =>
  async function* inBatches() {
    for (let from = 0; from < rows.length; from += 1_000) yield rows.slice(from, from + 1_000);
  };

describe("the check of an audit log", () => {
  let days: Awaited<ReturnType<typeof someDays>>;
  beforeAll(async () => {
    days = await someDays();
  });
  const check = (rows: readonly AuditRow[], options: Partial<typeof days> = {}) =>
    verifyAudit(rowsOf(rows), { ...days, ...options });
  const chainAt = (index: number): AuditRow[] => {
    const { chain } = days.rows.filter(({ sequence }) => sequence === 0)[index] ?? {};
    return days.rows.filter((row) => row.chain === chain);
  };

  it("finds nothing wrong with what gateways wrote, through an export and back, in any order of chains", async () => {
    const exported = days.rows.map(encodeRow).map(decodeRow);
    const reversed = [...Map.groupBy(exported, ({ chain }) => chain).values()].toReversed().flat();
    for (const rows of [days.rows, exported, reversed]) {
      expect(await check(rows)).toEqual({
        chains: 5,
        entries: days.rows.length,
        missing: 9,
        unsigned: 0,
        withoutDetails: 0,
        faults: [],
        faultCount: 0,
      });
    }
  });

  it(`finds each of ${MUTATIONS} mutations`, async () => {
    const kinds = Object.entries({ ...mutations, "signs anew with another key": signedByAnother(otherSigner) });
    const seed = randomInt(2 ** 31);
    const random = fc.sample(fc.nat(), { numRuns: MUTATIONS * 10, seed });
    let next = 0;
    const pick = (end: number): number => (random[next++ % random.length] ?? 0) % end;
    const missed: string[] = [];
    const tried = new Map<string, number>();
    for (let turn = 0, count = 0; count < MUTATIONS; turn += 1) {
      const [name = "", mutate] = kinds[turn % kinds.length] ?? [];
      const mutated = mutate?.(days.rows, pick);
      if (!mutated || isSame(mutated, days.rows)) continue;
      count += 1;
      tried.set(name, (tried.get(name) ?? 0) + 1);
      if ((await check(mutated)).faultCount === 0) missed.push(name);
    }
    process.stdout.write(
      `audit log, seed ${seed}: ${MUTATIONS} mutations of ${tried.size} kinds, ${missed.length} not found\n`,
    );
    expect(missed).toEqual([]);
    expect([...tried.keys()].sort()).toEqual(kinds.map(([name]) => name).sort());
  });

  it("tells entries that are stated as lost from entries that were taken away", async () => {
    const rows = chainAt(1);
    expect((await check(days.rows)).missing).toBe(9);
    const { faults, missing } = await check(days.rows.filter((row) => row !== rows[3] && row !== rows[4]));
    expect(missing).toBe(9);
    expect(faults[0]).toEqual({ chain: rows[3]?.chain, sequence: 3, what: "2 entries are gone" });
  });

  it("sees a chain that is gone by what a later one remembers, with nothing seen from outside", async () => {
    const [{ chain } = { chain: "" }] = chainAt(2);
    const { faults } = await check(
      days.rows.filter((row) => row.chain !== chain),
      { seen: [] },
    );
    expect(faults).toEqual([{ chain, sequence: expect.any(Number), what: "the whole chain is gone" }]);
  });

  it("sees the newest chain cut back to an earlier signed head only by a line that left the box", async () => {
    const newest = chainAt(3);
    const heads = newest.filter(({ entry }) => entry.includes('"audit_head"'));
    const cut = days.rows.filter((row) => row.chain !== newest[0]?.chain || row.sequence <= (heads[1]?.sequence ?? 0));
    expect((await check(cut, { seen: [] })).faultCount).toBe(0);
    expect((await check(cut)).faults).toMatchObject([{ what: "was seen, and the chain ends before it" }]);
  });

  it("holds what a killed process had stored, as far as the next one has seen it", async () => {
    const world = auditWorld();
    const killed = world.openLog();
    for (let count = 0; count < 3; count += 1) {
      killed.record({ event: "session_created" });
      await killed.flush();
    }
    world.clock.advance(1);
    const next = world.openLog();
    next.record({ event: "sys_startup" });
    await next.close();
    const rows = await world.rows();
    const options = { publicKey: world.signer.publicKey, seen: [] };
    expect(await check(rows, options)).toMatchObject({ chains: 2, unsigned: 2, faultCount: 0 });
    const cut = rows.filter(({ chain, sequence }) => chain !== rows[0]?.chain || sequence < 4);
    expect((await check(cut, options)).faults).toMatchObject([{ what: "was seen, and the chain ends before it" }]);
  });

  it("says how many entries no head covers yet, and takes no more than a gateway would leave", async () => {
    const chain = createAuditChain(otherSigner);
    const rows = [chain.link({ at: 1, event: "sys_startup" }), chain.sign(1, 0)];
    for (let count = 0; count < 64; count += 1) rows.push(chain.link({ at: 2, event: "authz_fail" }));
    const options = { publicKey: otherSigner.publicKey, seen: [] };
    expect(await check(rows, options)).toMatchObject({ unsigned: 64, faultCount: 0 });
    rows.push(chain.link({ at: 2, event: "authz_fail" }));
    expect((await check(rows, options)).faults).toMatchObject([{ sequence: 66 }]);
    expect((await check(rows.slice(0, 1), options)).faults).toMatchObject([{ what: "no head is signed" }]);
  });

  it("takes the last head in one spelling only, with nothing seen from outside", async () => {
    const chain = createAuditChain(otherSigner);
    const first = chain.link({ at: 1, event: "sys_startup" });
    const head = chain.sign(1, 0);
    const text = head.entry.toString("utf8");
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The last of 86 characters has four bits that no byte of the signature holds.
    const last = alphabet.indexOf(text.at(-3) ?? "");
    const spellings = [
      text,
      text.replace('"v":1', '"v": 1'),
      text.replace('{"v":1,', "{").replace(/}$/, ',"v":1}'),
      text.replace(/}$/, ',"more":1}'),
      text.replace("audit_head", "audit\\u005fhead"),
      text.slice(0, -3) + (alphabet[last ^ 1] ?? "") + '"}',
    ];
    const faults = [];
    for (const spelling of spellings) {
      const rows = [first, { ...head, entry: Buffer.from(spelling) }];
      faults.push((await check(rows, { publicKey: otherSigner.publicKey, seen: [] })).faultCount > 0);
    }
    expect(faults).toEqual([false, true, true, true, true, true]);
  });

  it("checks with the key that it is given", async () => {
    const { faultCount } = await check(days.rows, { publicKey: otherSigner.publicKey });
    expect(faultCount).toBe(5);
    await expect(check(days.rows, { publicKey: "short" })).rejects.toThrow(TypeError);
  });

  it("counts sealed particulars that were destroyed, and finds no fault in that", async () => {
    const without = days.rows.map((row) => ({ ...row, details: undefined }));
    const { withoutDetails, faultCount } = await check(without);
    expect(withoutDetails).toBe(days.rows.filter(({ details }) => details).length);
    expect(withoutDetails).toBeGreaterThan(100);
    expect(faultCount).toBe(0);
  });

  it(`reads ${SPEED_ENTRIES} entries, and says how fast`, async () => {
    const chain = createAuditChain(otherSigner);
    const rows = [chain.link({ at: 1, event: "sys_startup" })];
    for (let at = 2; rows.length < SPEED_ENTRIES - 1; at += 1) {
      rows.push(chain.link({ at, event: "session_created", subject: `user.${"s".repeat(43)}`, counts: { turns: at } }));
      if (chain.unsigned === 64) rows.push(chain.sign(at, 0));
    }
    rows.push(chain.sign(SPEED_ENTRIES, 0));
    const startedAt = performance.now();
    const { entries, faultCount } = await check(rows, { publicKey: otherSigner.publicKey, seen: [] });
    const perSecond = Math.round((entries / (performance.now() - startedAt)) * 1_000);
    process.stdout.write(`audit log: ${entries} entries checked, ${perSecond} a second\n`);
    expect(entries).toBe(rows.length);
    expect(faultCount).toBe(0);
  });
});

const isSame = (left: readonly AuditRow[], right: readonly AuditRow[]): boolean =>
  left.length === right.length && left.every((row, index) => encodeRow(row) === encodeRow(right[index] ?? row));
