import type { KeyStore } from "../../src/store/key-store.ts";

interface MemoryKeyStore extends KeyStore {
  readonly entries: Map<string, Buffer>;
  /** Names in the order in which they were read. */
  readonly reads: string[];
}

/** A key store whose rows can be looked at, damaged and removed. Every call answers in a later turn of the event loop. */
export function createMemoryKeyStore(): MemoryKeyStore {
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
  };
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
