import type { SessionHead } from "./session-head.ts";

type KnownHead = Omit<SessionHead, "sealed">;

const MAX_HEADS = 10_000;

/**
 * What heads said at a revision, so that the next commit need not read before it writes. A revision says the same
 * wherever it is read, so what is held is never wrong, at most of no use.
 */
export interface KnownHeads {
  at(key: string, revision: string): KnownHead | undefined;
  keep(head: SessionHead): void;
  forget(key: string): void;
}

export function createKnownHeads(): KnownHeads {
  const heads = new Map<string, KnownHead>();
  return {
    at(key, revision) {
      const head = heads.get(key);
      return head?.revision === revision ? head : undefined;
    },
    keep({ sealed: _, ...head }) {
      heads.delete(head.key);
      heads.set(head.key, head);
      const [oldest] = heads.keys();
      if (heads.size > MAX_HEADS && oldest !== undefined) heads.delete(oldest);
    },
    forget: (key) => void heads.delete(key),
  };
}
