import { LRUCache } from "lru-cache";

import type { DegradedReason } from "../telemetry/turn-meter.ts";
import { dropOwned } from "./drop-owned.ts";
import type { SessionRef } from "./opened-session.ts";

/** Requests that were not seen to be remembered: a retry of one is a first try, not a repetition. */
export interface FailureMemory {
  /** `turnId` is the record that may have been written all the same; "" when none was tried. */
  add(session: SessionRef, requestHash: string, turnId: string): void;
  /** `undefined` for a request that did not fail here. */
  find(session: SessionRef, requestHash: string): string | undefined;
  /** A later try was remembered. */
  settle(session: SessionRef, requestHash: string): void;
  forget(owner: string): void;
}

/** What a session's last answer could not say any more: it goes as a header on the next one. */
export interface FlagMemory {
  put(session: SessionRef, reason: DegradedReason): void;
  take(session: SessionRef): DegradedReason | undefined;
  forget(owner: string): void;
}

const MAX_MEMORIES = 10_000;

export function createFailureMemory(): FailureMemory {
  const failed = new LRUCache<string, { owner: string; turnId: string }>({ max: MAX_MEMORIES });
  return {
    add: ({ key, owner }, requestHash, turnId) => void failed.set(`${key}:${requestHash}`, { owner, turnId }),
    // Nearly always there is none.
    find: ({ key }, requestHash) => (failed.size > 0 ? failed.get(`${key}:${requestHash}`)?.turnId : undefined),
    settle: ({ key }, requestHash) => void (failed.size > 0 && failed.delete(`${key}:${requestHash}`)),
    forget: (owner) => dropOwned(failed, owner, (failure) => failure.owner),
  };
}

export function createFlagMemory(): FlagMemory {
  const flags = new LRUCache<string, { owner: string; reason: DegradedReason }>({ max: MAX_MEMORIES });
  return {
    put: ({ key, owner }, reason) => void flags.set(key, { owner, reason }),
    take({ key }) {
      if (flags.size === 0) return undefined;
      const reason = flags.get(key)?.reason;
      if (reason) flags.delete(key);
      return reason;
    },
    forget: (owner) => dropOwned(flags, owner, (flag) => flag.owner),
  };
}
