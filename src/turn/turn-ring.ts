import type { HistoryMessage } from "../history/history-strategy.ts";
import { createKeyedQueue, type KeyedQueue } from "../kit/keyed-queue.ts";
import type { ChatMessage } from "../protocol/chat-message.ts";
import { createFingerprinter } from "../session/fingerprint.ts";
import { createTurnIds } from "../session/turn-id.ts";
import { type AnswerCache, createAnswerCache } from "./answer-cache.ts";
import { type CountCache, createCountCache } from "./count-cache.ts";
import { createUnitEmbedding, type UnitEmbedding } from "./embed-units.ts";
import { createRecallShelf, type RecallShelf } from "./recall-shelf.ts";
import { createSessionCache, type SessionCache } from "./session-cache.ts";
import { createSessionDoor, type SessionDoor } from "./session-door.ts";
import { createSessionLinks, type SessionLinks } from "./session-links.ts";
import { createTurnGate, type TurnGate } from "./turn-gate.ts";
import { createFailureMemory, createFlagMemory, type FailureMemory, type FlagMemory } from "./turn-memories.ts";
import type { TurnPorts } from "./turn-ports.ts";
import { createTellUnreadable, type TellUnreadable } from "./unreadable-sessions.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";

/** The ports of a turn with what one replica remembers between turns. Nothing of it is needed to be right, only to be fast. */
export interface TurnRing {
  readonly ports: TurnPorts;
  readonly cache: SessionCache;
  readonly tellUnreadable: TellUnreadable;
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
  readonly embedding: UnitEmbedding;
  readonly recall: RecallShelf;
  /** Stored messages that were seen to hold nothing which today's redaction would take out. */
  readonly checked: WeakSet<HistoryMessage>;
  /** Resolves when nothing runs that answers left to do. */
  idle(): Promise<void>;
  fingerprint(message: ChatMessage): string;
  newTurnId(): string;
  /**
   * Drops everything this replica holds of a user, keys included. A turn that runs may still put something back until it
   * ends: an erasure forgets before and after it removes what rests.
   */
  forget(owner: string): void;
}

const SESSION_CACHE_BYTES = 32 << 20;
const RECALL_BYTES = 64 << 20;

export function createTurnRing(ports: TurnPorts): TurnRing {
  const { sessions, sealer, audit, clock, log, settings } = ports;
  const tellUnreadable = createTellUnreadable(ports);
  const shared = { sessions, sealer, audit, tellUnreadable, clock, log };
  const cache = createSessionCache({ ...shared, maxBytes: SESSION_CACHE_BYTES });
  const appends = createKeyedQueue();
  const links = createSessionLinks(ports);
  const answers = createAnswerCache(clock);
  const countCache = createCountCache();
  const failures = createFailureMemory();
  const flags = createFlagMemory();
  const recall = createRecallShelf({
    cache,
    clock,
    maxBytes: RECALL_BYTES,
    // A sitting ends where the provider has forgotten the prompt.
    episodeGapMs: settings.promptCache.ttlSeconds * 1000,
  });
  const upkeep = createUpkeep({ ports, cache, appends });
  const embedding = createUnitEmbedding({ ports, recall });
  return {
    ports,
    cache,
    tellUnreadable,
    links,
    door: createSessionDoor({ ports, cache, recall, appends }),
    appends,
    gate: createTurnGate(settings.concurrency),
    answers,
    countCache,
    failures,
    flags,
    upkeep,
    embedding,
    async idle() {
      await Promise.all([upkeep.idle(), recall.idle(), embedding.idle()]);
    },
    recall,
    checked: new WeakSet(),
    fingerprint: createFingerprinter(ports.keyedHash),
    newTurnId: createTurnIds(),
    forget(owner) {
      sealer.forget(owner);
      for (const held of [cache, recall, links, answers, failures, flags]) held.forget(owner);
      countCache.clear();
    },
  };
}
