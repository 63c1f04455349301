import type { DatabaseSync } from "node:sqlite";

/** Coarse sizes, so that freed slots fit other records. */
const STEP = 64;

/** The places where records' bytes lie. None is ever deleted; `sqlite-schema.ts` says why. */
export interface RecordSlots {
  /** Writes into a free slot or a new one, and returns its id. */
  fill(bytes: Uint8Array): number;
  /** Overwrites the slot with zeros and frees it. */
  erase(slot: number): void;
}

export function createRecordSlots(database: DatabaseSync): RecordSlots {
  const findFree = database.prepare("SELECT id FROM record_slots WHERE free = 1 AND size = ? LIMIT 1");
  const refill = database.prepare("UPDATE record_slots SET free = 0, bytes = ? WHERE id = ?");
  const add = database.prepare("INSERT INTO record_slots (size, free, bytes) VALUES (?, 0, ?)");
  const erase = database.prepare("UPDATE record_slots SET free = 1, bytes = zeroblob(size) WHERE id = ?");

  const append = (padded: Uint8Array): number => {
    // The table's first page is the one that is ever split, and only this keeps it from holding on to what moved out.
    database.exec("PRAGMA secure_delete = ON");
    try {
      return Number(add.run(padded.byteLength, padded).lastInsertRowid);
    } finally {
      database.exec("PRAGMA secure_delete = OFF");
    }
  };
  return {
    fill(bytes) {
      const padded = new Uint8Array(Math.ceil(bytes.byteLength / STEP) * STEP);
      padded.set(bytes);
      const free = findFree.get(padded.byteLength);
      if (!free) return append(padded);
      const slot = Number(free["id"]);
      refill.run(padded, slot);
      return slot;
    },
    erase: (slot) => void erase.run(slot),
  };
}
