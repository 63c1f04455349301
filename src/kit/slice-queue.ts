/**
 * Resolves when it is the caller's turn to do a slice of long work. One waits for the other, and the event loop looks at
 * sockets and timers in between: slices that were let go together would be one long block after all.
 */
export type NextSlice = () => Promise<void>;

export function createSliceQueue(): NextSlice {
  const waiting: (() => void)[] = [];
  const letOneGo = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(letOneGo);
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letOneGo);
    });
}

/** There is one event loop, so all that is long in a process stands in one queue. */
export const nextSlice: NextSlice = createSliceQueue();
