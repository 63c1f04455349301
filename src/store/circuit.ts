import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";

export interface CircuitOptions {
  /** What goes through it, for the log. */
  readonly calls: "reads" | "writes";
  /** Consecutive failures that open it. */
  readonly failures: number;
  /** How long it stays open before one call is let through to try. */
  readonly pauseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The right to make one call, whose outcome must be reported. */
export interface CircuitPass {
  succeeded(): void;
  failed(): void;
}

export interface Circuit {
  /** `undefined` while the circuit is open. */
  enter(): CircuitPass | undefined;
}

/**
 * Closed: calls pass; some consecutive failures open it. Open: nothing passes; after a pause a single call does, and its
 * success closes the circuit. Logs one line when it opens and one when it closes; a failed try changes nothing.
 */
export function createCircuit({ calls, failures, pauseMs, clock, log }: CircuitOptions): Circuit {
  let consecutive = 0;
  let openedAt: number | undefined;
  let isTrying = false;

  const passWhileClosed: CircuitPass = {
    succeeded: () => {
      consecutive = 0;
    },
    failed: () => {
      consecutive += 1;
      if (consecutive < failures || openedAt !== undefined) return;
      openedAt = clock();
      log.error({ calls, failures: consecutive }, "store_circuit_opened");
    },
  };
  const passToTry: CircuitPass = {
    succeeded: () => {
      isTrying = false;
      openedAt = undefined;
      consecutive = 0;
      log.info({ calls }, "store_circuit_closed");
    },
    failed: () => {
      isTrying = false;
      openedAt = clock();
    },
  };

  return {
    enter() {
      if (openedAt === undefined) return passWhileClosed;
      // A wall clock that was set back must not hold the circuit open: any distance counts.
      if (isTrying || Math.abs(clock() - openedAt) < pauseMs) return undefined;
      isTrying = true;
      return passToTry;
    },
  };
}
