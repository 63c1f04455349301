import type { Clock } from "../../kit/clock.ts";
import { rangeOfNames } from "../name-range.ts";
import type { NamedRecord, RecordStore } from "../record-store.ts";

interface MemoryRecord {
  readonly bytes: Buffer;
  readonly expiresAt: number;
}

/** @param refuseWhenClosed throws `store_unavailable` once the backend is closed */
export function createMemoryRecordStore(clock: Clock, refuseWhenClosed: () => void): RecordStore {
  const records = new Map<string, MemoryRecord>();
  const live = (name: string): MemoryRecord | undefined => {
    refuseWhenClosed();
    const record = records.get(name);
    if (record && record.expiresAt > clock()) return record;
    records.delete(name);
    return undefined;
  };
  const write = (name: string, bytes: Buffer, expiresAt = Infinity): void => {
    records.set(name, { bytes: Buffer.from(bytes), expiresAt });
  };

  return {
    async read(name) {
      const record = live(name);
      return record && Buffer.from(record.bytes);
    },
    async putIfAbsent(name, bytes, expiresAt) {
      if (!live(name)) write(name, bytes, expiresAt);
      return Buffer.from(live(name)?.bytes ?? bytes);
    },
    async replace(name, { expected, bytes, expiresAt }) {
      if (!live(name)?.bytes.equals(expected)) return false;
      write(name, bytes, expiresAt);
      return true;
    },
    async remove(name) {
      const existed = live(name) !== undefined;
      records.get(name)?.bytes.fill(0);
      records.delete(name);
      return existed;
    },
    async list(prefix, { limit, after }) {
      refuseWhenClosed();
      const { from, to } = rangeOfNames(prefix, after);
      const names = [...records.keys()].filter(live).map((name) => Buffer.from(name));
      const inRange = names.filter((name) => Buffer.compare(name, from) >= 0 && Buffer.compare(name, to) < 0);
      return inRange
        .sort((left, right) => Buffer.compare(left, right))
        .slice(0, limit)
        .map(String)
        .flatMap((name) => {
          const record = records.get(name);
          return record ? [namedRecord(name, record)] : [];
        });
    },
  };
}

function namedRecord(name: string, { bytes, expiresAt }: MemoryRecord): NamedRecord {
  return { name, bytes: Buffer.from(bytes), ...(expiresAt < Infinity && { expiresAt }) };
}
