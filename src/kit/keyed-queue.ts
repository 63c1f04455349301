/** Runs work of one key strictly one after another, in the order it came; different keys do not wait for each other. */
export interface KeyedQueue {
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** True while work of the key is running or waiting. */
  isBusy(key: string): boolean;
}

export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    isBusy: (key) => tails.has(key),
    run(key, work) {
      const before = tails.get(key);
      const result = before ? before.then(work, work) : work();
      const leave = (): void => {
        if (tails.get(key) === tail) tails.delete(key);
      };
      const tail = result.then(leave, leave);
      tails.set(key, tail);
      return result;
    },
  };
}
