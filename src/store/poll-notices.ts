import { describeError } from "../errors/describe-error.ts";
import { hasCode } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import { repeat } from "../kit/repeat.ts";
import type { NoticeListener } from "./notice-listener.ts";
import type { NoticeStore } from "./notice-store.ts";

export interface NoticePollerOptions {
  readonly notices: NoticeStore;
  readonly clock: Clock;
  readonly log: Log;
}

export interface NoticePoller extends NoticeListener {
  /** Reads now, without waiting for the next second. Never rejects: the next reading makes up for a failed one. */
  poll(): Promise<void>;
  close(): void;
}

const EVERY_MS = 1_000;
/** Notices are kept for ten minutes; of an outage nearly as long nobody knows which were still there. */
const SURELY_KEPT_MS = 540_000;

/**
 * Listens once a second, from now on. Resolves when it knows where it started, so that what is loaded afterwards and
 * what is heard leave no gap; with the store away it starts later and says `missed` then.
 */
export async function openNoticePoller({ notices, clock, log }: NoticePollerOptions): Promise<NoticePoller> {
  const listeners = new Map<string, ((subject: string) => void)[]>();
  const missed: (() => void)[] = [];
  let cursor: string | undefined;
  let heardAt = clock();
  let reading: Promise<void> | undefined;

  const hear = (notice: string): void => {
    const end = notice.indexOf(" ");
    const kind = end < 0 ? notice : notice.slice(0, end);
    for (const heard of listeners.get(kind) ?? []) heard(end < 0 ? "" : notice.slice(end + 1));
  };
  const read = async (): Promise<void> => {
    const startedAt = clock();
    const page = await notices.read(cursor);
    const isGap = cursor === undefined || startedAt - heardAt > SURELY_KEPT_MS;
    cursor = page.cursor;
    heardAt = startedAt;
    if (isGap) for (const heard of missed) heard();
    for (const notice of page.notices) hear(notice);
  };
  const readOrWait = async (): Promise<void> => {
    try {
      await read();
    } catch (error) {
      if (!isOutage(error)) log.error({ cause: describeError(error) }, "notice failed");
    }
    reading = undefined;
  };
  const poll = (): Promise<void> => (reading ??= readOrWait());

  await poll();
  return {
    poll,
    on: (kind, heard) => void listeners.set(kind, [...(listeners.get(kind) ?? []), heard]),
    onMissed: (heard) => void missed.push(heard),
    close: repeat(EVERY_MS, poll),
  };
}

/** The store's breaker says when it is away and when it is back; a line for each second of it would say no more. */
const isOutage = (error: unknown): boolean => hasCode(error, "store_unavailable");
