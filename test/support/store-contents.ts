import { randomBytes } from "node:crypto";

import fc from "fast-check";

import type { AuditRow } from "../../src/store/audit-store.ts";
import type { NamedRecord } from "../../src/store/record-store.ts";
import type { SealedTurn, SessionFields } from "../../src/store/session-store.ts";
import type { StoreBackend } from "../../src/store/store-backend.ts";
import { HOUR_MS, mustCommit } from "./store-commits.ts";

/** All that a copy of a store must hold, in a fixed order. */
export interface StoreContents {
  readonly sessions: readonly SessionContents[];
  readonly records: readonly NamedRecord[];
  /** In the order of chains and sequences. */
  readonly audit: readonly AuditRow[];
}

export interface SessionContents {
  readonly key: string;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly head: Buffer;
  readonly slots: readonly (readonly [string, Buffer])[];
  readonly turns: readonly SealedTurn[];
}

/** Reads it by other ways than a copy does. */
export async function readContents({ sessions, records, audit }: StoreBackend): Promise<StoreContents> {
  const keys: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await sessions.scan(after);
    keys.push(...page.keys);
    if ((after = page.next) === undefined) break;
  }
  const read = async (key: string): Promise<SessionContents[]> => {
    const session = await sessions.load(key);
    if (!session?.head) return [];
    const { revision, fields, head } = session;
    const slots = [...session.slots].toSorted(([left], [right]) => (left < right ? -1 : 1));
    return [{ key, revision, fields, head, slots, turns: await sessions.readTurns(key, 0, Infinity) }];
  };
  const chains = (await audit.chains()).map(({ chain }) => chain).toSorted();
  return {
    sessions: (await Promise.all([...new Set(keys)].toSorted().map(read))).flat(),
    records: await records.list("", { limit: 100_000 }),
    audit: (await Promise.all(chains.map((chain) => audit.read(chain, { from: 0, limit: 100_000 })))).flat(),
  };
}

export async function writeContents(store: StoreBackend, contents: StoreContents): Promise<void> {
  await Promise.all(contents.sessions.map((session) => writeSession(store, session)));
  for (const { name, bytes, expiresAt } of contents.records) await store.records.putIfAbsent(name, bytes, expiresAt);
  await store.audit.append(contents.audit);
}

/** As a gateway does: each turn a commit, and one more that changes only the head. */
async function writeSession({ sessions }: StoreBackend, session: SessionContents): Promise<void> {
  const { key, revision, fields, head, turns } = session;
  let expected: string | undefined;
  for (const [index, turn] of turns.entries()) {
    const next = `${revision.split(".")[0]}.before-${index}`;
    await mustCommit(sessions, { key, expected, revision: next, fields, head, turn });
    expected = next;
  }
  await mustCommit(sessions, { key, expected, revision, fields, head, slots: new Map(session.slots) });
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((array) => Buffer.from(array));
const hex = (length: number) => fc.uint8Array({ minLength: length / 2, maxLength: length / 2 }).map(hexOf);
const hexOf = (array: Uint8Array): string => Buffer.from(array).toString("hex");
const inAnHour = fc.integer({ min: 1, max: 1_000 }).map((ms) => Date.now() + HOUR_MS + ms);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });

/** Gaps, no turns at all, more turns before `loadFrom` than after it. */
const session: fc.Arbitrary<SessionContents> = fc.record({
  key: hex(32),
  revision: fc.tuple(hex(16), fc.nat()).map(([incarnation, number]) => `${incarnation}.${number}`),
  fields: fc.record({
    owner: fc.constantFrom("owner-1", "owner-2"),
    createdAt: fc.nat(),
    expiresAt: inAnHour,
    loadFrom: fc.nat({ max: 150 }),
  }),
  head: bytes,
  slots: fc.uniqueArray(fc.tuple(text, bytes), { maxLength: 3, selector: ([name]) => name }).map(sortedSlots),
  turns: fc
    .uniqueArray(fc.nat({ max: 160 }), { maxLength: 10 })
    .map((sequences) => sequences.toSorted((left, right) => left - right))
    .chain((sequences) =>
      fc.tuple(
        ...sequences.map((sequence) => fc.record({ sequence: fc.constant(sequence), id: hex(32), sealed: bytes })),
      ),
    ),
});

function sortedSlots(slots: [string, Buffer][]): [string, Buffer][] {
  return slots.toSorted(([left], [right]) => (left < right ? -1 : 1));
}

const record: fc.Arbitrary<NamedRecord> = fc
  .tuple(text, bytes, fc.option(inAnHour, { nil: undefined }))
  .map(([name, held, expiresAt]) => ({ name, bytes: held, ...(expiresAt !== undefined && { expiresAt }) }));

const auditChain = fc
  .tuple(
    hex(32),
    fc.array(fc.tuple(fc.nat(), bytes, fc.option(bytes, { nil: undefined })), { minLength: 1, maxLength: 5 }),
  )
  .map(([chain, rows]) => rows.map(([at, entry, details], sequence) => ({ chain, sequence, at, entry, details })));

export const storeContents: fc.Arbitrary<StoreContents> = fc.record({
  sessions: fc.uniqueArray(session, { maxLength: 6, selector: ({ key }) => key }),
  records: fc.uniqueArray(record, { maxLength: 6, selector: ({ name }) => name }).map(withRootSecret),
  audit: fc.uniqueArray(auditChain, { maxLength: 3, selector: ([row]) => row?.chain }).map((chains) => chains.flat()),
});

export function withRootSecret(records: readonly NamedRecord[]): NamedRecord[] {
  return [{ name: "root-secret", bytes: randomBytes(40) }, ...records.filter(({ name }) => name !== "root-secret")];
}
