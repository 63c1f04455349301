import type { Clock } from "../../kit/clock.ts";
import type { NoticeStore } from "../notice-store.ts";

const KEPT_MS = 600_000;

/** @param refuseWhenClosed throws `store_unavailable` once the backend is closed */
export function createMemoryNoticeStore(clock: Clock, refuseWhenClosed: () => void): NoticeStore {
  let posted: { readonly number: number; readonly notice: string; readonly until: number }[] = [];
  let last = 0;
  return {
    async post(notice) {
      refuseWhenClosed();
      posted = posted.filter(({ until }) => until > clock());
      last += 1;
      posted.push({ number: last, notice, until: clock() + KEPT_MS });
    },
    async read(after) {
      refuseWhenClosed();
      const from = after === undefined ? last : Number(after);
      return {
        notices: posted.filter(({ number }) => number > from).map(({ notice }) => notice),
        cursor: String(last),
      };
    },
  };
}
