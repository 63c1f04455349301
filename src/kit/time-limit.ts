export interface TimedCall {
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** Called when it is late, perhaps twice; it may be over by then. */
  readonly reject: (late: Error) => void;
}

export type TimeLimit = Pick<Set<TimedCall>, "add" | "delete">;

/** Calls under way, in the order in which they run late, since all have the same time: one timer watches the first. */
export function createTimeLimit(timeoutMs: number, lateError: () => Error): TimeLimit {
  const calls = new Set<TimedCall>();
  let isWatched = false;
  const watch = (ms: number): void => {
    isWatched = true;
    setTimeout(rejectLate, ms).unref();
  };
  const rejectLate = (): void => {
    isWatched = false;
    for (const call of calls) {
      const left = call.startedAt + timeoutMs - performance.now();
      if (left > 0) return watch(left);
      // When this process was busy, the answer may lie unread in the socket: let the loop read it first.
      setImmediate(() => call.reject(lateError()));
    }
  };
  return {
    add(call) {
      if (!isWatched) watch(timeoutMs);
      return calls.add(call);
    },
    delete: (call) => calls.delete(call),
  };
}
