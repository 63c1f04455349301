import type { NamedRecord, RecordStore } from "../store/record-store.ts";

const READ_AT_ONCE = 500;

/** One name: what the source has there, and what the target has. */
export interface RecordPair {
  readonly name: string;
  readonly source: NamedRecord | undefined;
  readonly held: NamedRecord | undefined;
}

/** Both stores side by side, in the order of names. */
export async function* recordPairs(from: RecordStore, to: RecordStore): AsyncGenerator<RecordPair> {
  const [sources, helds] = [allRecords(from), allRecords(to)];
  let [source, held] = [await nextOf(sources), await nextOf(helds)];
  for (;;) {
    const order = compareNames(source, held);
    if (order === undefined) return;
    const pair = { source: order <= 0 ? source : undefined, held: order >= 0 ? held : undefined };
    yield { name: (pair.source ?? pair.held)?.name ?? "", ...pair };
    if (pair.source) source = await nextOf(sources);
    if (pair.held) held = await nextOf(helds);
  }
}

export function isSameRecord(left: NamedRecord, right: NamedRecord): boolean {
  return left.bytes.equals(right.bytes) && left.expiresAt === right.expiresAt;
}

async function* allRecords(records: RecordStore): AsyncGenerator<NamedRecord> {
  for (let after: string | undefined; ;) {
    const page = await records.list("", { limit: READ_AT_ONCE, ...(after !== undefined && { after }) });
    yield* page;
    if (page.length < READ_AT_ONCE) return;
    after = page.at(-1)?.name;
  }
}

async function nextOf(records: AsyncGenerator<NamedRecord>): Promise<NamedRecord | undefined> {
  const next = await records.next();
  return next.done === true ? undefined : next.value;
}

/** Below 0 when the left one comes first or alone, 0 for one name, `undefined` at the end of both. */
function compareNames(left: NamedRecord | undefined, right: NamedRecord | undefined): number | undefined {
  if (!left) return right && 1;
  return right ? Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)) : -1;
}
