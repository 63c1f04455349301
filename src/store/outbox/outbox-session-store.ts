import { type GatewayError, hasCode } from "../../errors/gateway-error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { CommitOutcome, SessionCommit, SessionStore } from "../session-store.ts";
import type { TurnCommit } from "./delivery-hooks.ts";
import { readWaiting, turnsOfWhole } from "./read-waiting.ts";
import type { TurnDelivery } from "./turn-delivery.ts";
import type { WaitingTurn } from "./waiting-turn.ts";
import type { WaitingTurns } from "./waiting-turns.ts";

interface OutboxSessionParts {
  readonly sessions: SessionStore;
  readonly waiting: WaitingTurns;
  readonly delivery: TurnDelivery;
  readonly clock: Clock;
}

/** The same sessions; `with-outbox.ts` says what differs. */
export function createOutboxSessionStore(parts: OutboxSessionParts): SessionStore {
  const { sessions, waiting, delivery } = parts;
  const read = createRead(parts);
  return {
    load: (key, known) =>
      read(key, {
        // A revision that is in no store may be another turn's there.
        ask: () => sessions.load(key, waiting.isLost(key, known?.revision) ? undefined : known),
        tell: (turns) => readWaiting(turns, known),
      }),
    readTurns: (key, from, to) =>
      read(key, {
        ask: () => sessions.readTurns(key, from, to),
        tell: (turns) => turnsOfWhole(turns)?.filter(({ sequence }) => sequence >= from && sequence < to),
      }),
    commit: (commit) =>
      delivery.run(commit.key, (outage) =>
        outage ? commitBehind(parts, { commit, outage }) : commitOrKeep(parts, commit),
      ),
    remove: (key) =>
      delivery.run(key, async (outage) => {
        // A turn that waits would bring the session back.
        if (outage) throw outage;
        return sessions.remove(key);
      }),
    async removeOwner(owner, step) {
      const before = waiting.keys(owner).flatMap((key) => waiting.of(key));
      const removed = await sessions.removeOwner(owner, step);
      // What is being delivered meanwhile finds its session, or its user's key, gone.
      for (const turn of before) await delivery.exclusively(turn.commit.key, () => waiting.remove(turn));
      return removed;
    },
    async list(owner, page) {
      await delivery.drainOwner(owner);
      return sessions.list(owner, page);
    },
    async count(owner, atMost) {
      await delivery.drainOwner(owner);
      return sessions.count(owner, atMost);
    },
    async scan(after) {
      await delivery.drain();
      return sessions.scan(after);
    },
  };
}

interface ReadWays<T> {
  readonly ask: () => Promise<T>;
  /** `undefined` where the store is needed. */
  readonly tell: (turns: readonly WaitingTurn[]) => T | undefined;
}

function createRead({ waiting, delivery, clock }: OutboxSessionParts) {
  return <T>(key: string, { ask, tell }: ReadWays<T>): Promise<T> => {
    if (waiting.of(key).length === 0) return ask();
    return delivery.run(key, async (outage) => {
      if (!outage) return ask();
      const turns = waiting.of(key);
      const told = isLive(turns, clock) ? tell(turns) : undefined;
      if (told === undefined) throw outage;
      return told;
    });
  };
}

const isLive = (turns: readonly WaitingTurn[], clock: Clock): boolean =>
  (turns.at(-1)?.commit.fields.expiresAt ?? 0) > clock();

const hasTurn = (commit: SessionCommit): commit is TurnCommit => commit.turn !== undefined;

const deferred: CommitOutcome = { committed: true, deferred: true };

async function commitOrKeep({ sessions, waiting }: OutboxSessionParts, commit: SessionCommit): Promise<CommitOutcome> {
  if (waiting.isLost(commit.key, commit.expected)) {
    return { committed: false, current: await sessions.load(commit.key) };
  }
  if (!hasTurn(commit)) return sessions.commit(commit);
  try {
    // One that failed may have been written: the second try tells.
    return await sessions.commit(commit).catch((error: unknown) => {
      if (!isOutage(error)) throw error;
      return sessions.commit(commit);
    });
  } catch (error) {
    if (!isOutage(error)) throw error;
    await waiting.add(commit);
    return deferred;
  }
}

/** As the store would, were the waiting turns in it. */
async function commitBehind(
  { waiting, clock }: OutboxSessionParts,
  { commit, outage }: { commit: SessionCommit; outage: GatewayError },
): Promise<CommitOutcome> {
  const turns = waiting.of(commit.key);
  if (!hasTurn(commit) || !isLive(turns, clock)) throw outage;
  if (turns.some(({ commit: kept }) => isRepeated(kept, commit))) return deferred;
  if (commit.expected === turns.at(-1)?.commit.revision) {
    await waiting.add(commit);
    return deferred;
  }
  const current = readWaiting(turns, commit.known);
  if (!current) throw outage;
  return { committed: false, current };
}

const isRepeated = (kept: TurnCommit, commit: TurnCommit): boolean =>
  kept.revision === commit.revision && kept.turn.id === commit.turn.id && kept.head.equals(commit.head);

const isOutage = (error: unknown): boolean => hasCode(error, "store_unavailable");
