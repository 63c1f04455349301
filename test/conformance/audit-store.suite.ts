import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { AuditPage, AuditRow, AuditStore } from "../../src/store/audit-store.ts";
import { auditRowOf, auditRowsOf, chainName } from "../support/audit-rows.ts";
import { HOUR_MS } from "../support/store-commits.ts";
import { openForSuite, type StoreSuiteOptions } from "./store-harness.ts";

interface Subject {
  readonly store: () => AuditStore;
  readonly now: () => number;
}

const all = { from: 0, limit: 9_999 };

/** Every promise of `AuditStore`, as a test. */
export function describeAuditStore(name: string, { open }: StoreSuiteOptions): void {
  describe(`audit store: ${name}`, () => {
    const tested = openForSuite(open);
    const subject: Subject = { store: () => tested().backend.audit, now: () => tested().now() };
    describe("append", () => appendRules(subject));
    describe("one chain", () => chainRules(subject));
    describe("all chains", () => latestRules(subject));
  });
}

function appendRules({ store, now }: Subject): void {
  it("rows come back byte for byte, with details, with empty ones and without", async () => {
    const chain = chainName();
    const rows = [
      auditRowOf({ chain, at: now(), details: undefined }),
      auditRowOf({ chain, at: now(), sequence: 1, details: Buffer.alloc(0) }),
      auditRowOf({ chain, at: now(), sequence: 2, entry: Buffer.alloc(0), details: randomBytes(70_000) }),
      auditRowOf({ chain, at: now(), sequence: 3, entry: Buffer.from("3 4 5 6\n\0{}") }),
    ];
    await store().append(rows);
    expect(await store().read(chain, all)).toEqual(rows);
  });

  it("a row repeated is acknowledged again and written once", async () => {
    const rows = auditRowsOf(chainName(), 3, now());
    const [first, second] = rows;
    await store().append(rows.slice(0, 2));
    await store().append(rows);
    await store().append([...rows, ...rows]);
    expect(await store().read(first?.chain ?? "", all)).toEqual(rows);
    expect(await store().append([{ ...(second ?? auditRowOf()), details: undefined }])).toBeUndefined();
    expect(await store().read(first?.chain ?? "", all)).toEqual(rows);
  });

  it("a row is never overwritten, and a batch with such a row writes nothing, in no chain", async () => {
    const [chain, other] = [chainName(), chainName()];
    const rows = auditRowsOf(chain, 3, now());
    await store().append(rows);
    const forged = auditRowOf({ chain, sequence: 1, at: now() });
    const batch = [auditRowOf({ chain: other }), auditRowOf({ chain, sequence: 3 }), forged];
    await expect(store().append(batch)).rejects.toBeInstanceOf(TypeError);
    expect(await store().read(chain, all)).toEqual(rows);
    expect(await store().read(other, all)).toEqual([]);
    expect((await store().chains()).map((known) => known.chain)).not.toContain(other);
  });

  it("a batch that contradicts itself writes nothing", async () => {
    const chain = chainName();
    const batch = [auditRowOf({ chain }), auditRowOf({ chain, sequence: 1 }), auditRowOf({ chain, sequence: 1 })];
    await expect(store().append(batch)).rejects.toBeInstanceOf(TypeError);
    expect(await store().read(chain, all)).toEqual([]);
  });

  it("an entry that only begins like the one in place is another", async () => {
    const row = auditRowOf({ at: now(), entry: Buffer.from("entry") });
    await store().append([row]);
    for (const entry of [Buffer.from("entr"), Buffer.from("entry\0"), Buffer.alloc(0)]) {
      await expect(store().append([{ ...row, entry }])).rejects.toBeInstanceOf(TypeError);
    }
    expect(await store().read(row.chain, all)).toEqual([row]);
  });

  it("of many who race for one place, one gets it, and the mistake of others harms no neighbour", async () => {
    const chain = chainName();
    const rivals = Array.from({ length: 20 }, () => auditRowOf({ chain, at: now() }));
    const neighbours = Array.from({ length: 20 }, () => auditRowOf({ at: now() }));
    const appended = rivals.flatMap((rival, index) => [rival, neighbours[index] ?? rival]);
    const outcomes = await Promise.allSettled(appended.map((row) => store().append([row])));
    const won = outcomes.filter(({ status }, index) => index % 2 === 0 && status === "fulfilled");
    expect(won).toHaveLength(1);
    expect(await store().read(chain, all)).toEqual([
      rivals[outcomes.findIndex(({ status }, at) => at % 2 === 0 && status === "fulfilled") / 2],
    ]);
    for (const row of neighbours) expect(await store().read(row.chain, all)).toEqual([row]);
  });

  it("nothing to append is no error", async () => {
    expect(await store().append([])).toBeUndefined();
  });
}

function chainRules({ store, now }: Subject): void {
  it("a chain is read in order, from anywhere, in pages, across gaps", async () => {
    const chain = chainName();
    const rows = auditRowsOf(chain, 40, now()).filter(({ sequence }) => sequence < 9 || sequence > 20);
    await store().append(rows.toReversed());
    expect(await store().read(chain, all)).toEqual(rows);
    expect((await store().read(chain, { from: 7, limit: 4 })).map(({ sequence }) => sequence)).toEqual([7, 8, 21, 22]);
    expect((await store().read(chain, { from: 15, limit: 1 })).map(({ sequence }) => sequence)).toEqual([21]);
    expect(await store().read(chain, { from: 40, limit: 9 })).toEqual([]);
    expect(await store().read(chainName(), all)).toEqual([]);
  });

  it("a batch of a thousand rows is written whole", async () => {
    const rows = auditRowsOf(chainName(), 1_000, now());
    await store().append(rows);
    expect(await store().read(rows[0]?.chain ?? "", all)).toEqual(rows);
  });

  it("every chain is named, with its length, gaps included, by the time of its first row", async () => {
    const [late, early, tied] = [chainName(), chainName(), chainName()].toSorted();
    const chains = [late ?? "", early ?? "", tied ?? ""] as const;
    await store().append(auditRowsOf(chains[0], 2, now() + 50));
    await store().append(auditRowsOf(chains[1], 3, now() + 20));
    await store().append([auditRowOf({ chain: chains[1], sequence: 7, at: now() + 20 })]);
    // The second row of this one is older than any first: a clock was set back.
    await store().append([
      auditRowOf({ chain: chains[2], at: now() + 50 }),
      auditRowOf({ chain: chains[2], sequence: 1, at: now() - HOUR_MS }),
    ]);
    const named = (await store().chains()).filter(({ chain }) => chains.includes(chain));
    expect(named).toEqual([
      { chain: chains[1], length: 8 },
      { chain: chains[0], length: 2 },
      { chain: chains[2], length: 2 },
    ]);
  });
}

function latestRules({ store, now }: Subject): void {
  let eras = 0;
  /** Rows of three chains at times of their own, some of them equal; newest first. */
  const writeEra = async (): Promise<{ rows: AuditRow[]; before: NonNullable<AuditPage["before"]> }> => {
    eras += 1;
    const at = now() + eras * 1_000 * HOUR_MS;
    const chains = [chainName(), chainName(), chainName()];
    const rows = chains.flatMap((chain) =>
      [4, 4, 9, 1, 9, 4, 9, 9, 9, 2, 2].map((later, sequence) => auditRowOf({ chain, sequence, at: at + later })),
    );
    await Promise.all(chains.map((chain) => store().append(rows.filter((row) => row.chain === chain))));
    const newestFirst = rows.toSorted(
      (left, right) =>
        right.at - left.at || right.chain.localeCompare(left.chain, "en") || right.sequence - left.sequence,
    );
    return { rows: newestFirst, before: { at: at + 10, chain: "", sequence: 0 } };
  };

  it("the newest rows of all chains come first, equal times by chain and sequence", async () => {
    const { rows, before } = await writeEra();
    expect(await store().latest({ limit: rows.length, before })).toEqual(rows);
    expect((await store().latest({ limit: 1 }))[0]).toEqual(rows[0]);
  });

  it("pages of any size join to the whole list", async () => {
    const { rows, before } = await writeEra();
    for (const limit of [1, 2, 5, 32, 33]) {
      const joined: AuditRow[] = [];
      while (joined.length < rows.length) {
        const page = await store().latest({ limit, before: joined.at(-1) ?? before });
        joined.push(...page);
        if (page.length === 0) break;
      }
      expect(joined.slice(0, rows.length)).toEqual(rows);
    }
  });

  it("a cursor row need not exist", async () => {
    const { rows, before } = await writeEra();
    const place = { at: before.at - 1, chain: "f".repeat(32), sequence: 99 };
    expect(await store().latest({ limit: 5, before: place })).toEqual(rows.slice(0, 5));
    const oldest = rows.at(-1) ?? place;
    expect(await store().latest({ limit: 1, before: { ...oldest, at: oldest.at + 1, chain: "" } })).toEqual(
      rows.filter(({ at }) => at === oldest.at).slice(0, 1),
    );
  });
}
