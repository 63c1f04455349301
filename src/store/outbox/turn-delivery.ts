import { describeError } from "../../errors/describe-error.ts";
import { type GatewayError, hasCode } from "../../errors/gateway-error.ts";
import { createKeyedQueue } from "../../kit/keyed-queue.ts";
import type { Log } from "../../kit/log.ts";
import type { SessionStore } from "../session-store.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { type Delivery, deliverTurn } from "./deliver-turn.ts";
import type { DeliveryHooks } from "./delivery-hooks.ts";
import type { WaitingTurn } from "./waiting-turn.ts";
import type { WaitingTurns } from "./waiting-turns.ts";

/** Brings waiting turns to the store. Work on one session is done one after another; different sessions do not wait. */
export interface TurnDelivery {
  /** From now on turns are delivered; before they only wait. */
  begin(hooks: DeliveryHooks): void;
  /** Runs work of a session after delivering what waits for it; `outage` is what kept a turn of it waiting. */
  run<T>(key: string, work: (outage: GatewayError | undefined) => Promise<T>): Promise<T>;
  /** Runs work of a session without delivering anything. */
  exclusively<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Delivers an owner's session by session, for as long as the store answers. */
  drainOwner(owner: string): Promise<void>;
  /** Delivers session by session, passing over some that the store does not answer for; the next one begins behind them. */
  drain(): Promise<void>;
  /** Resolves when the work that was given before has ended. */
  settled(): Promise<void>;
}

interface DeliveryOptions {
  readonly sessions: SessionStore;
  readonly waiting: WaitingTurns;
  readonly log: Log;
  readonly onDelivered: (delivery: Delivery) => void;
}

/** A store of several nodes may be away for some sessions alone; one that is gone is not asked for thousands. */
const PASSED_OVER = 8;

export function createTurnDelivery({ sessions, waiting, log, onDelivered }: DeliveryOptions): TurnDelivery {
  const queue = createKeyedQueue();
  const running = new Set<Promise<unknown>>();
  let hooks: DeliveryHooks | undefined;
  let endedAt = "";

  /** Those behind it were sealed onto it, and have no place without it. */
  const setAside = async (key: string, cause: unknown): Promise<void> => {
    const turns = waiting.of(key).length;
    log.error({ turns, cause: describeError(cause) }, "outbox_turns_set_aside");
    await waiting.setAside(key);
    for (let turn = 0; turn < turns; turn += 1) onDelivered("set_aside");
  };
  const deliver = async (turn: WaitingTurn): Promise<void> => {
    if (!hooks) throw storeUnavailable("the outbox does not deliver yet");
    const moveRest = () => waiting.move(turn.commit.key);
    try {
      const delivery = await deliverTurn(turn, { sessions, hooks, moveRest });
      await waiting.remove(turn);
      onDelivered(delivery);
    } catch (error) {
      if (isPassing(error)) throw error;
      await setAside(turn.commit.key, error);
    }
  };
  const deliverAll = async (key: string): Promise<GatewayError | undefined> => {
    try {
      // Always from the front: delivering one may change those behind it.
      for (let [turn] = waiting.of(key); turn; [turn] = waiting.of(key)) await deliver(turn);
      return undefined;
    } catch (error) {
      if (isPassing(error)) return error;
      throw error;
    }
  };
  const exclusively: TurnDelivery["exclusively"] = (key, work) => {
    const result = queue.run(key, work);
    const ended = result.then(nothing, nothing).then(() => void running.delete(ended));
    running.add(ended);
    return result;
  };
  const run: TurnDelivery["run"] = (key, work) =>
    exclusively(key, () => (waiting.of(key).length === 0 ? work(undefined) : deliverAll(key).then(work)));
  const hasOutage = (key: string): Promise<boolean> => run(key, async (outage) => outage !== undefined);

  return {
    begin: (given) => (hooks = given),
    run,
    exclusively,
    async drainOwner(owner) {
      for (const key of waiting.keys(owner)) {
        if (await hasOutage(key)) return;
      }
    },
    async drain() {
      const keys = waiting.keys();
      const begin = keys.indexOf(endedAt) + 1;
      let left = PASSED_OVER;
      for (const key of [...keys.slice(begin), ...keys.slice(0, begin)]) {
        if (!(await hasOutage(key))) continue;
        endedAt = key;
        if (--left === 0) return;
      }
    },
    settled: async () => void (await Promise.all(running)),
  };
}

const nothing = (): void => undefined;

const isPassing = (error: unknown): error is GatewayError =>
  hasCode(error, "store_unavailable") || hasCode(error, "session_conflict");
