import { GatewayError } from "../errors/gateway-error.ts";
import { createKeyedQueue } from "../kit/keyed-queue.ts";
import type { TurnScope } from "./turn-scope.ts";

/** Who may run when: retries of what still runs, and sessions that allow one turn at a time. Of this replica. */
export interface TurnGate {
  /** @throws GatewayError `turn_in_flight`, `idempotency_key_reused`, `conversation_locked` */
  enter(scope: TurnScope, work: () => Promise<void>): Promise<void>;
}

export function createTurnGate(concurrency: "parallel" | "serialize" | "reject"): TurnGate {
  const sessions = createKeyedQueue();
  const attempts = createKeyedQueue();
  const keysInFlight = new Map<string, string>();

  const bySession = ({ ref }: TurnScope, work: () => Promise<void>): Promise<void> => {
    if (concurrency === "parallel") return work();
    if (concurrency === "reject" && sessions.isBusy(ref.key)) {
      return Promise.reject(new GatewayError("conversation_locked", "another turn of this session is running"));
    }
    return sessions.run(ref.key, work);
  };
  /** An SDK that gave up waiting tries again while its first attempt still runs: it waits until that one is stored. */
  const byAttempt = (scope: TurnScope, work: () => Promise<void>): Promise<void> => {
    const name = `${scope.ref.key}:${scope.requestHash}`;
    const countsTries = scope.request.headers["x-stainless-retry-count"] !== undefined;
    return countsTries && (scope.request.retryCount > 0 || !attempts.isBusy(name)) ? attempts.run(name, work) : work();
  };

  return {
    async enter(scope, work) {
      const { idempotencyHash: name, requestHash } = scope;
      if (name === undefined) return bySession(scope, () => byAttempt(scope, work));
      const running = keysInFlight.get(name);
      if (running !== undefined) {
        throw running === requestHash
          ? new GatewayError("turn_in_flight", "this idempotency key is in flight")
          : new GatewayError("idempotency_key_reused", "an idempotency key with another body");
      }
      keysInFlight.set(name, requestHash);
      try {
        await bySession(scope, work);
      } finally {
        keysInFlight.delete(name);
      }
    },
  };
}
