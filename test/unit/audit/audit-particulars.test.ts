import { describe, expect, it } from "vitest";

import { placeOf } from "../../../src/audit/audit-chain.ts";
import { subjectOf } from "../../../src/audit/audit-particulars.ts";
import { verifyAudit } from "../../../src/audit/verify-audit.ts";
import { auditWorld, entriesOf } from "./audit-fixtures.ts";

describe("who an audit entry is about", () => {
  it("is told by the user's data key, by every replica alike", async () => {
    const world = auditWorld();
    await world.meet("alice");
    await world.meet("bob");
    for (let process = 0; process < 2; process += 1) {
      const audit = world.openLog();
      for (const owner of ["alice", "bob"]) audit.record({ event: "session_created", owner });
      await audit.close();
    }
    const subjects = entriesOf(await world.rows()).flatMap(({ subject }) => subject ?? []);
    expect(subjects).toHaveLength(4);
    expect(new Set(subjects).size).toBe(2);
    const alice = await world.sealerOf().forAudit("alice");
    expect(subjects).toContain(alice && subjectOf(alice));
  });

  it("is told within one process only where there is no data key, and none is made for it", async () => {
    const world = auditWorld();
    for (let process = 0; process < 2; process += 1) {
      const audit = world.openLog();
      for (let count = 0; count < 2; count += 1) {
        audit.record({ event: "session_expired", owner: "stranger", address: "203.0.113.9" });
      }
      await audit.close();
    }
    const rows = await world.rows();
    const subjects = entriesOf(rows).flatMap(({ subject }) => subject ?? []);
    expect(subjects[0]).toMatch(/^process\./);
    expect(subjects[1]).toBe(subjects[0]);
    expect(subjects[2]).not.toBe(subjects[0]);
    expect(rows.every(({ details }) => details === undefined)).toBe(true);
    expect(await world.backend.records.list("data-key:", { limit: 10 })).toEqual([]);
  });

  it("is told by nobody any more once the data key is gone, and the chain still holds", async () => {
    const world = auditWorld();
    await world.meet("alice");
    const audit = world.openLog("full");
    audit.record({ event: "session_created", owner: "alice", address: "203.0.113.9" });
    await audit.close();
    const [, row] = await world.rows();
    const [entry] = row ? entriesOf([row]) : [];
    const place = placeOf(row?.chain ?? "", 1);
    const before = await world.sealerOf().forAudit("alice");
    expect(before && subjectOf(before)).toBe(entry?.subject);
    expect(before?.open(place, row?.details ?? Buffer.alloc(0)).toString()).toBe('{"address":"203.0.113.9"}');

    await world.backend.records.remove("data-key:alice");
    const replica = world.sealerOf();
    expect(await replica.forAudit("alice")).toBeUndefined();
    // The same person comes back: a new key, which tells nothing of the old entries.
    await replica.forNewSession({ owner: "alice", key: "session", incarnation: "2" });
    const after = await replica.forAudit("alice");
    expect(after && subjectOf(after)).not.toBe(entry?.subject);
    expect(() => after?.open(place, row?.details ?? Buffer.alloc(0))).toThrow();
    const verdict = await verifyAudit(() => inOneBatch(world.rows()), {
      publicKey: world.signer.publicKey,
      seen: [],
    });
    expect(verdict).toMatchObject({ entries: 3, faultCount: 0 });
  });

  it.each([
    ["full", "203.0.113.9", "203.0.113.9"],
    ["full", "::ffff:203.0.113.9", "203.0.113.9"],
    ["full", "2001:db8:1:2::3", "2001:db8:1:2::3"],
    ["full", "fe80::1%eth0", "fe80::1"],
    ["truncated", "203.0.113.9", "203.0.113.0/24"],
    ["truncated", "::FFFF:203.0.113.9", "203.0.113.0/24"],
    ["truncated", "2001:0DB8:0001:0002::3", "2001:db8:1::/48"],
    ["truncated", "2001:db8::3", "2001:db8:0::/48"],
    ["truncated", "::1", "0:0:0::/48"],
    ["off", "203.0.113.9", undefined],
    ["full", "203.0.113.9\nforged", undefined],
    ["full", "", undefined],
  ] as const)("has with audit.ip %s and the address %j the address %j", async (detail, address, kept) => {
    const world = auditWorld();
    await world.meet("alice");
    const audit = world.openLog(detail);
    audit.record({ event: "session_created", owner: "alice", address });
    await audit.close();
    const row = (await world.rows())[1];
    const sealer = await world.sealer.forAudit("alice");
    const opened = row?.details && sealer?.open(placeOf(row.chain, 1), row.details).toString();
    expect(opened).toBe(kept === undefined ? undefined : JSON.stringify({ address: kept }));
  });

  it("never takes text from outside: what is no word of the code is not let in", async () => {
    const world = auditWorld();
    const audit = world.openLog();
    audit.record({ event: "authz_fail", reason: 'x"\n{"event":"forged"}', counts: { "a\nb": 1 } });
    await audit.close();
    const [, entry] = entriesOf(await world.rows());
    expect(entry).toMatchObject({ reason: "not_a_word", counts: { not_a_word: 1 } });
  });
});

async function* inOneBatch<T>(rows: Promise<T>): AsyncGenerator<T> {
  yield await rows;
}
