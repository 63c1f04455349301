import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { StoreBackend } from "../store-backend.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import type { Delivery } from "./deliver-turn.ts";
import type { DeliveryHooks } from "./delivery-hooks.ts";
import { createOutboxSessionStore } from "./outbox-session-store.ts";
import { createTurnDelivery } from "./turn-delivery.ts";
import { openWaitingTurns } from "./waiting-turns.ts";

export interface OutboxOptions {
  /** Durable, this process's alone, and elsewhere than the backend. It is closed with the backend. */
  readonly place: StoreBackend;
  readonly clock: Clock;
  readonly log: Log;
  /** Told what became of each turn that waited. */
  readonly onDelivered?: (delivery: Delivery) => void;
  /** Default 64 MiB. What waits is in memory too. */
  readonly maxBytes?: number;
}

export interface Outbox {
  /** How many turns wait. */
  depth(): number;
  /** For readiness: rejects with `store_unavailable` while it can take no turn. */
  ping(): Promise<void>;
  /** Turns go to the store from now on; before this they only wait. */
  deliver(hooks: DeliveryHooks): void;
}

export interface OutboxBackend extends StoreBackend {
  readonly outbox: Outbox;
}

const MAX_BYTES = 64 << 20;
const DRAIN_EVERY_MS = 1_000;

/**
 * The same backend, but no outage loses a turn: a commit with a turn that the backend cannot take, tried twice, waits in
 * `place` and is acknowledged as `deferred`. Later turns of its session wait behind it.
 *
 * What waits goes to the backend in order, once a second and before every call about its session or owner; so a backend
 * that answers is never asked about a session whose turns still wait. While it does not answer, `load`, `readTurns` and
 * `commit` go by what waits where that is enough: for a caller who holds the session as its last waiting turn left it,
 * and for a session that began with them. A session is removed only with its turns delivered, and an owner's are
 * discarded once his sessions are gone. Other replicas see nothing of what waits.
 *
 * Rejects with `store_unavailable` when `place` cannot be read.
 */
export async function withOutbox(backend: StoreBackend, options: OutboxOptions): Promise<OutboxBackend> {
  const { place, clock, log, onDelivered = () => undefined, maxBytes = MAX_BYTES } = options;
  const waiting = await openWaitingTurns({ records: place.records, maxBytes, log }).catch(async (error: unknown) => {
    await place.close();
    throw error;
  });
  const { sessions } = backend;
  const delivery = createTurnDelivery({ sessions, waiting, log, onDelivered });
  let timer: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;

  const drain = (): void => {
    // What fails here is the outbox's own disk, and whoever waits for it hears of it.
    draining ??= delivery
      .drain()
      .catch(() => undefined)
      .finally(() => (draining = undefined));
  };
  return {
    ...backend,
    sessions: createOutboxSessionStore({ sessions, waiting, delivery, clock }),
    outbox: {
      depth: () => waiting.size(),
      async ping() {
        if (waiting.isFull()) throw storeUnavailable("the outbox is full");
        await place.ping();
      },
      deliver(hooks) {
        delivery.begin(hooks);
        clearInterval(timer);
        timer = setInterval(drain, DRAIN_EVERY_MS);
        timer.unref();
        drain();
      },
    },
    async close() {
      clearInterval(timer);
      await delivery.settled();
      await backend.close();
      await draining;
      await place.close();
    },
  };
}
