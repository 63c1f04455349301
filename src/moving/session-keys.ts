import type { SessionStore } from "../store/session-store.ts";

/** So much is under way at a time: enough to hide round trips, and little to hold in memory. */
const AT_ONCE = 16;

/** Every live session of the store at least once; see `SessionStore.scan`. */
export async function* sessionKeys(sessions: SessionStore): AsyncGenerator<string> {
  for (let after: string | undefined; ;) {
    const { keys, next } = await sessions.scan(after);
    yield* new Set(keys);
    if (next === undefined) return;
    after = next;
  }
}

/** Does the work for each item, several at a time. What fails first ends it, and rejects once nothing runs any more. */
export async function eachAtOnce<T>(items: AsyncGenerator<T>, work: (item: T) => Promise<void>): Promise<void> {
  // One generator for all: who throws closes it for the others too.
  const worker = async (): Promise<void> => {
    for await (const item of items) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  const failed = ended.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
}
