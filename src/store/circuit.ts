import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";

export interface CircuitOptions {
  /** What goes through it, for the log: reads or writes, and where they go if that has a name. */
  readonly through: { readonly calls: "reads" | "writes"; readonly partition?: string };
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
  /** It failed, perhaps for a reason that lies elsewhere: opens nothing, and closes nothing. */
  failedSomewhere(): void;
}

export interface Circuit {
  /** False while it is open. */
  isPassable(): boolean;
  /** Only while it is passable. */
  enter(): CircuitPass;
}

/**
 * Closed: calls pass; some consecutive failures open it. Open: nothing passes; after a pause a single call does, and its
 * success closes the circuit. Logs one line when it opens and one when it closes; a failed try changes nothing.
 */
export function createCircuit({ through, failures, pauseMs, clock, log }: CircuitOptions): Circuit {
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
      log.error({ ...through, failures: consecutive }, "store_circuit_opened");
    },
    failedSomewhere() {},
  };
  const passToTry: CircuitPass = {
    succeeded: () => {
      isTrying = false;
      openedAt = undefined;
      consecutive = 0;
      log.info(through, "store_circuit_closed");
    },
    failed: () => {
      isTrying = false;
      openedAt = clock();
    },
    failedSomewhere: () => passToTry.failed(),
  };

  return {
    isPassable() {
      if (openedAt === undefined) return true;
      // A wall clock that was set back must not hold the circuit open: any distance counts.
      return !isTrying && Math.abs(clock() - openedAt) >= pauseMs;
    },
    enter() {
      if (openedAt === undefined) return passWhileClosed;
      isTrying = true;
      return passToTry;
    },
  };
}
