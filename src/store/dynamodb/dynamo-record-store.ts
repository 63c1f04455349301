import { rangeOfNames } from "../name-range.ts";
import type { NamedRecord, RecordStore } from "../record-store.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import type { StoreParts } from "./dynamo-session-store.ts";
import type { Item, ItemKey, Range } from "./dynamo-table.ts";
import { bytesIn, deleteAt, numberIn } from "./item-values.ts";

const PARTITION = "records";
const MAX_NAME_BYTES = 1_000;
const MAX_RECORD_BYTES = 380 * 1_024;
const SMALLEST_PAGE = 16;
const TRIES = 20;
/** Of DynamoDB's clock by comparison with ours, generously. */
const GRACE_MS = 3_600_000;

/** DynamoDB overwrites nothing on disk, and keeps removed bytes in backups for as long as these are kept. */
export function createDynamoRecordStore({ table, operations: { run }, clock }: StoreParts): RecordStore {
  const isLive = (item: Item): boolean => !item["expiresAt"] || numberIn(item, "expiresAt") > clock();
  const now = (): Item => ({ ":now": { N: String(clock()) } });
  const read = async (name: string): Promise<Buffer | undefined> => {
    const item = await table.get(keyOfName(name));
    return item && isLive(item) ? bytesIn(item, "bytes") : undefined;
  };

  return {
    read: (name) => run(() => read(name)),
    putIfAbsent: (name, bytes, expiresAt) =>
      run(async () => {
        const item = encodeRecord(name, bytes, expiresAt);
        for (let attempt = 0; attempt < TRIES; attempt++) {
          const isFree = { expression: "attribute_not_exists(pk) OR expiresAt <= :now", values: now() };
          if ((await table.put(item, isFree)).written) return Buffer.from(bytes);
          const held = await read(name);
          if (held) return held;
        }
        throw storeUnavailable("a record came and went whenever it was asked for");
      }),
    replace: (name, { expected, bytes, expiresAt }) =>
      run(async () => {
        const isExpected = {
          expression: "bytes = :expected AND (attribute_not_exists(expiresAt) OR expiresAt > :now)",
          values: { ...now(), ":expected": { B: expected } },
        };
        const { written, wasRepeated } = await table.put(encodeRecord(name, bytes, expiresAt), isExpected);
        // The answer to the first try was lost, perhaps, and the second found what the first had written.
        return written || (wasRepeated && (await read(name))?.equals(bytes) === true);
      }),
    remove: (name) =>
      run(async () => {
        const { old } = await table.remove(keyOfName(name));
        return old !== undefined && isLive(old);
      }),
    list: (prefix, { limit, after }) =>
      run(async () => {
        const records: NamedRecord[] = [];
        const range = rangeOf(prefix, after);
        if (!range) return records;
        const page = { ...range, pk: PARTITION, order: "asc", limit: Math.max(limit, SMALLEST_PAGE) } as const;
        for await (const items of table.pages(page)) {
          records.push(...items.filter(isLive).map(decodeRecord));
          if (records.length >= limit) break;
        }
        return records.slice(0, limit);
      }),
  };
}

/** @throws TypeError for a name that would not fit into a sort key */
function keyOfName(name: string): ItemKey {
  const bytes = Buffer.from(name);
  if (bytes.length > MAX_NAME_BYTES) throw new TypeError(`a record's name has at most ${MAX_NAME_BYTES} bytes`);
  return { pk: PARTITION, sk: sortKeyOf(bytes) };
}

/** An empty sort key is not allowed, an empty name is. */
const sortKeyOf = (name: Buffer): Buffer => Buffer.concat([Buffer.from("#"), name]);

/** `undefined` for a range without names. A bound that is longer than any name is cut just behind the longest. */
function rangeOf(prefix: string, after: string | undefined): Pick<Range, "from" | "to"> | undefined {
  const { from, to } = rangeOfNames(prefix, after);
  if (from.compare(to) >= 0) return undefined;
  const bound = (name: Buffer): Buffer => sortKeyOf(name.subarray(0, MAX_NAME_BYTES + 1));
  return { from: bound(from), to: bound(to) };
}

function encodeRecord(name: string, bytes: Buffer, expiresAt: number | undefined): Item {
  if (bytes.length > MAX_RECORD_BYTES) throw new TypeError(`a record has at most ${MAX_RECORD_BYTES} bytes`);
  const { pk, sk } = keyOfName(name);
  const end = expiresAt !== undefined && { expiresAt: { N: String(expiresAt) }, ...deleteAt(expiresAt + GRACE_MS) };
  return { pk: { S: pk }, sk: { B: sk }, bytes: { B: bytes }, ...end };
}

function decodeRecord(item: Item): NamedRecord {
  const name = bytesIn(item, "sk").toString("utf8", 1);
  const expiresAt = item["expiresAt"] && { expiresAt: numberIn(item, "expiresAt") };
  return { name, bytes: bytesIn(item, "bytes"), ...expiresAt };
}
