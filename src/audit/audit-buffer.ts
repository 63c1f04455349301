import type { AuditEvent, AuditRecord } from "./audit-log.ts";

export interface BufferedRecord {
  readonly record: AuditRecord;
  readonly at: number;
  /** Records before this one that there was no room for. */
  readonly missing: number;
  /** How often the same was recorded within a second of `at`. */
  readonly times: number;
}

/** Records on their way to the store, in order and bounded; what finds no room is counted, and the count has a place. */
export interface AuditBuffer {
  readonly size: number;
  /** Lost since the last record that was let in. */
  readonly lost: number;
  /** False when there is no room. */
  push(record: AuditRecord, at: number): boolean;
  take(atMost: number): readonly BufferedRecord[];
  takeLost(): number;
}

/** What a stranger can bring about at will, as often as the network carries: counted, or the log could be filled. */
const repeatable: ReadonlySet<AuditEvent> = new Set<AuditEvent>([
  "malicious_direct_reference",
  "authn_login_fail",
  "authz_fail",
  "excess_rate_limit_exceeded",
]);
const SAME_MS = 1_000;

export function createAuditBuffer(capacity: number): AuditBuffer {
  let waiting: BufferedRecord[] = [];
  const open = new Map<string, BufferedRecord & { times: number }>();
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
    get lost() {
      return lost;
    },
    push(record, at) {
      const name = nameOf(record);
      const same = name === undefined ? undefined : open.get(name);
      if (same && Math.abs(at - same.at) < SAME_MS) {
        same.times += 1;
        return true;
      }
      if (waiting.length >= capacity) {
        lost += 1;
        return false;
      }
      const item = { record, at, missing: takeLost(), times: 1 };
      waiting.push(item);
      if (name !== undefined) open.set(name, item);
      return true;
    },
    take(atMost) {
      const taken = waiting.slice(0, atMost);
      waiting = waiting.slice(atMost);
      // What is on its way to the store does not change any more.
      open.clear();
      return taken;
    },
    takeLost,
  };
}

const nameOf = ({ event, owner, address, reason, counts }: AuditRecord): string | undefined =>
  repeatable.has(event) && !counts ? JSON.stringify([event, owner, address, reason]) : undefined;
