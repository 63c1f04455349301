import { LRUCache } from "lru-cache";

import type { Clock } from "../kit/clock.ts";
import type { UpstreamHead } from "../upstream/upstream.ts";
import { dropOwned } from "./drop-owned.ts";
import type { RelayResult } from "./relay-answer.ts";
import type { RequestPrint } from "./request-print.ts";
import type { TurnScope } from "./turn-scope.ts";

export interface KeptAnswer {
  readonly head: UpstreamHead;
  readonly bytes: Buffer;
  readonly form: "json" | "stream";
  readonly owner: string;
}

/** Answers in the provider's own bytes, for retries: in memory only, bounded, and not for long. */
export interface AnswerCache {
  keep(asked: Pick<TurnScope, "print" | "ref">, turnId: string, relay: RelayResult): void;
  find(turnId: string): KeptAnswer | undefined;
  forget(owner: string): void;
}

const MAX_AGE_MS = 10 * 60_000;
const MAX_BYTES = 32 << 20;
const ENTRY_BYTES = 500;

/** Only who names his requests, or whose SDK counts its tries, can ask for the same answer again. */
export const mayRetry = ({ idempotencyHash, tries }: RequestPrint): boolean =>
  idempotencyHash !== undefined || tries !== undefined;

export function createAnswerCache(clock: Clock): AnswerCache {
  const answers = new LRUCache<string, KeptAnswer>({
    maxSize: MAX_BYTES,
    ttl: MAX_AGE_MS,
    perf: { now: clock },
    sizeCalculation: ({ bytes }) => bytes.length + ENTRY_BYTES,
  });
  return {
    keep({ print, ref: { owner } }, turnId, { head, bytes, form }) {
      if (!mayRetry(print) || !head || !bytes) return;
      if (form === "json" || form === "stream") answers.set(turnId, { head, bytes, form, owner });
    },
    find: (turnId) => answers.get(turnId),
    forget: (owner) => dropOwned(answers, owner, (answer) => answer.owner),
  };
}
