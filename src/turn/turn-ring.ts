import { LRUCache } from "lru-cache";

import { createKeyedQueue, type KeyedQueue } from "../kit/keyed-queue.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { createFingerprinter } from "../session/fingerprint.ts";
import type { DegradedReason } from "../telemetry/turn-meter.ts";
import { type AnswerCache, createAnswerCache } from "./answer-cache.ts";
import { type CountCache, createCountCache } from "./count-cache.ts";
import { createSessionCache, type SessionCache } from "./session-cache.ts";
import { createSessionDoor, type SessionDoor } from "./session-door.ts";
import { createSessionLinks, type SessionLinks } from "./session-links.ts";
import { createTurnGate, type TurnGate } from "./turn-gate.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";

/** The ports of a turn with what one replica remembers between turns. Nothing of it is needed to be right, only to be fast. */
export interface TurnRing {
  readonly ports: TurnPorts;
  readonly cache: SessionCache;
  readonly links: SessionLinks;
  readonly door: SessionDoor;
  /** Appends of one session, one after another. */
  readonly appends: KeyedQueue;
  readonly gate: TurnGate;
  readonly answers: AnswerCache;
  readonly countCache: CountCache;
  readonly failures: FailureMemory;
  readonly flags: FlagMemory;
  readonly upkeep: Upkeep;
  fingerprint(message: ChatMessage): string;
}

/** Requests that were not seen to be remembered: a retry of one is a first try, not a repetition. */
export interface FailureMemory {
  /** `turnId` is the record that may have been written all the same; "" when none was tried. */
  add(key: string, requestHash: string, turnId: string): void;
  /** `undefined` for a request that did not fail here. */
  find(key: string, requestHash: string): string | undefined;
  /** A later try was remembered. */
  forget(key: string, requestHash: string): void;
}

/** What a session's last answer could not say any more: it goes as a header on the next one. */
export interface FlagMemory {
  put(key: string, reason: DegradedReason): void;
  take(key: string): DegradedReason | undefined;
}

const MAX_MEMORIES = 10_000;
const SESSION_CACHE_BYTES = 32 << 20;

export function createTurnRing(ports: TurnPorts): TurnRing {
  const { sessions, sealer, audit, clock, log, settings } = ports;
  const cache = createSessionCache({ sessions, sealer, audit, clock, log, maxBytes: SESSION_CACHE_BYTES });
  const appends = createKeyedQueue();
  return {
    ports,
    cache,
    links: createSessionLinks(ports),
    door: createSessionDoor({ ports, cache, appends }),
    appends,
    gate: createTurnGate(settings.concurrency),
    answers: createAnswerCache(clock),
    countCache: createCountCache(),
    failures: createFailureMemory(),
    flags: createFlagMemory(),
    upkeep: createUpkeep({ ports, cache, appends }),
    fingerprint: createFingerprinter(ports.keyedHash),
  };
}

function createFailureMemory(): FailureMemory {
  const failed = new LRUCache<string, string>({ max: MAX_MEMORIES });
  return {
    add: (key, requestHash, turnId) => void failed.set(`${key}:${requestHash}`, turnId),
    find: (key, requestHash) => failed.get(`${key}:${requestHash}`),
    forget: (key, requestHash) => void failed.delete(`${key}:${requestHash}`),
  };
}

function createFlagMemory(): FlagMemory {
  const flags = new LRUCache<string, DegradedReason>({ max: MAX_MEMORIES });
  return {
    put: (key, reason) => void flags.set(key, reason),
    take(key) {
      const reason = flags.get(key);
      if (reason) flags.delete(key);
      return reason;
    },
  };
}
