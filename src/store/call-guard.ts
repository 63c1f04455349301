import { GatewayError, hasCode } from "../errors/gateway-error.ts";
import { createTimeLimit, type TimedCall } from "../kit/time-limit.ts";
import type { CircuitPass } from "./circuit.ts";
import type { StoreSubject } from "./store-backend.ts";
import type { StoreCallOutcome, StoreOperation, TellStoreCall } from "./store-operation.ts";
import { storeUnavailable } from "./store-unavailable.ts";

/** Makes a call that is not waited for longer than its time, if its circuit lets it through. */
export type CallGuard = <T>(
  operation: StoreOperation,
  about: readonly StoreSubject[],
  call: () => Promise<T>,
) => Promise<T>;

interface CallGuardOptions {
  readonly enter: (operation: StoreOperation, about: readonly StoreSubject[]) => CircuitPass | undefined;
  readonly timeoutMs: number;
  readonly tell: TellStoreCall;
}

/** Every call of a turn comes through here: one promise of its own, and no frame that waits. */
export function createCallGuard({ enter, timeoutMs, tell }: CallGuardOptions): CallGuard {
  const underWay = createTimeLimit(timeoutMs, () => new StoreTimeout(timeoutMs));
  return <Answer>(operation: StoreOperation, about: readonly StoreSubject[], call: () => Promise<Answer>) => {
    const pass = enter(operation, about);
    if (!pass) {
      tell(operation, "refused", 0);
      return Promise.reject(storeUnavailable("the store kept failing and is left alone for a moment"));
    }
    return new Promise<Answer>((resolve, reject) => {
      const startedAt = performance.now();
      const fail = (error: Error): void => {
        if (!underWay.delete(timed)) return;
        const outcome = outcomeOf(error);
        if (outcome === "failed") pass.succeeded();
        else pass.failed();
        reject(error);
        tell(operation, outcome, performance.now() - startedAt);
      };
      const timed: TimedCall = { startedAt, reject: fail };
      underWay.add(timed);
      const succeed = (value: Answer): void => {
        if (!underWay.delete(timed)) return;
        pass.succeeded();
        resolve(value);
        tell(operation, "ok", performance.now() - startedAt);
      };
      try {
        call().then(succeed, fail);
      } catch (error) {
        fail(error as Error);
      }
    });
  };
}

function outcomeOf(error: unknown): StoreCallOutcome {
  if (error instanceof StoreTimeout) return "timeout";
  return hasCode(error, "store_unavailable") ? "unavailable" : "failed";
}

class StoreTimeout extends GatewayError {
  constructor(timeoutMs: number) {
    super("store_unavailable", `the store did not answer within ${timeoutMs} ms`);
  }
}
