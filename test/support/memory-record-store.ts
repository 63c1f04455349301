import type { RecordStore } from "../../src/store/record-store.ts";

interface MemoryRecordStore extends RecordStore {
  readonly entries: Map<string, Buffer>;
  /** Names in the order in which they were read. */
  readonly reads: string[];
}

/** A key store whose rows can be looked at, damaged and removed. Every call answers in a later turn of the event loop. */
export function createMemoryRecordStore(): MemoryRecordStore {
  const entries = new Map<string, Buffer>();
  const reads: string[] = [];
  return {
    entries,
    reads,
    async read(name) {
      reads.push(name);
      await later();
      const bytes = entries.get(name);
      return bytes && Buffer.from(bytes);
    },
    async putIfAbsent(name, bytes) {
      await later();
      const held = entries.get(name) ?? Buffer.from(bytes);
      entries.set(name, held);
      return Buffer.from(held);
    },
    async replace(name, { expected, bytes }) {
      await later();
      if (!entries.get(name)?.equals(expected)) return false;
      entries.set(name, Buffer.from(bytes));
      return true;
    },
    async remove(name) {
      await later();
      return entries.delete(name);
    },
    async list(prefix, { limit, after = "" }) {
      await later();
      const names = [...entries.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
      return names.slice(0, limit).map((name) => ({ name, bytes: Buffer.from(entries.get(name) ?? "") }));
    },
  };
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
