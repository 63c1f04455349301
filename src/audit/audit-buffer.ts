import type { AuditRecord } from "./audit-log.ts";

export interface BufferedRecord {
  readonly record: AuditRecord;
  readonly at: number;
  /** Records before this one that there was no room for. */
  readonly missing: number;
}

/** Records on their way to the store, in order and bounded; what finds no room is counted, and the count has a place. */
export interface AuditBuffer {
  readonly size: number;
  /** Everything that was ever let in. */
  readonly accepted: number;
  /** Lost since the last record that was let in. */
  readonly lost: number;
  /** False when there is no room. */
  push(record: AuditRecord, at: number): boolean;
  take(atMost: number): readonly BufferedRecord[];
  takeLost(): number;
}

export function createAuditBuffer(capacity: number): AuditBuffer {
  let waiting: BufferedRecord[] = [];
  let accepted = 0;
  let lost = 0;
  const takeLost = (): number => {
    const taken = lost;
    lost = 0;
    return taken;
  };
  return {
    get size() {
      return waiting.length;
    },
    get accepted() {
      return accepted;
    },
    get lost() {
      return lost;
    },
    push(record, at) {
      if (waiting.length >= capacity) {
        lost += 1;
        return false;
      }
      waiting.push({ record, at, missing: takeLost() });
      accepted += 1;
      return true;
    },
    take(atMost) {
      const taken = waiting.slice(0, atMost);
      waiting = waiting.slice(atMost);
      return taken;
    },
    takeLost,
  };
}
