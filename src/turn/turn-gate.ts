import { GatewayError } from "../errors/gateway-error.ts";
import { createKeyedQueue } from "../kit/keyed-queue.ts";
import type { RequestPrint } from "./request-print.ts";

/** Who may run when: retries of what still runs, and sessions that allow one turn at a time. Of this replica. */
export interface TurnGate {
  /** @throws GatewayError `turn_in_flight`, `idempotency_key_reused`, `conversation_locked` */
  enter(print: RequestPrint, work: () => Promise<void>): Promise<void>;
}

export function createTurnGate(concurrency: "parallel" | "serialize" | "reject"): TurnGate {
  const sessions = createKeyedQueue();
  const attempts = createKeyedQueue();
  const keysInFlight = new Map<string, string>();

  const bySession = ({ sessionKey }: RequestPrint, work: () => Promise<void>): Promise<void> => {
    if (concurrency === "parallel") return work();
    if (concurrency === "reject" && sessions.isBusy(sessionKey)) {
      return Promise.reject(new GatewayError("conversation_locked", "another turn of this session is running"));
    }
    return sessions.run(sessionKey, work);
  };
  /** An SDK that gave up waiting tries again while its first attempt still runs: it waits until that one is stored. */
  const byAttempt = ({ sessionKey, requestHash, tries }: RequestPrint, work: () => Promise<void>): Promise<void> => {
    if (tries === undefined) return work();
    const name = `${sessionKey}:${requestHash}`;
    return tries > 0 || !attempts.isBusy(name) ? attempts.run(name, work) : work();
  };

  const byName = async (name: string, print: RequestPrint, work: () => Promise<void>): Promise<void> => {
    const { requestHash } = print;
    const running = keysInFlight.get(name);
    if (running !== undefined) {
      throw running === requestHash
        ? new GatewayError("turn_in_flight", "this idempotency key is in flight")
        : new GatewayError("idempotency_key_reused", "an idempotency key with another body");
    }
    keysInFlight.set(name, requestHash);
    try {
      await bySession(print, work);
    } finally {
      keysInFlight.delete(name);
    }
  };

  return {
    enter(print, work) {
      const { idempotencyHash: name } = print;
      return name === undefined ? bySession(print, () => byAttempt(print, work)) : byName(name, print, work);
    },
  };
}
