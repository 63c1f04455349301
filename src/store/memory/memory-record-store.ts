import type { Clock } from "../../kit/clock.ts";
import type { RecordStore } from "../record-store.ts";

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
      const names = [...records.keys()].filter((name) => name.startsWith(prefix) && live(name));
      const inOrder = names.sort(compareBytes).filter((name) => after === undefined || compareBytes(name, after) > 0);
      return inOrder.slice(0, limit).flatMap((name) => {
        const record = live(name);
        return record ? [{ name, bytes: Buffer.from(record.bytes) }] : [];
      });
    },
  };
}

const compareBytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));
