import { describeError } from "../errors/describe-error.ts";
import type { Log } from "../kit/log.ts";
import type { PlacesWanted, QuotaGrant, QuotaStore, QuotaWindow } from "../store/quota-store.ts";

/** The quotas that replicas share, as far as they can be reached: `undefined` leaves each replica to its own count. */
export interface SharedQuotas {
  take(name: string, window: QuotaWindow, want: number): Promise<QuotaGrant | undefined>;
  hold(name: string, holder: string, places: PlacesWanted): Promise<number | undefined>;
}

interface SharedQuotasOptions {
  readonly quotas: QuotaStore;
  readonly log: Log;
  /** Called for each question that the store did not answer. */
  readonly onUnshared: () => void;
}

/** Never rejects. One line in the log when the store is lost, and one when it is found. */
export function createSharedQuotas({ quotas, log, onUnshared }: SharedQuotasOptions): SharedQuotas {
  let isShared = true;
  const ask = async <T>(question: Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await question;
      if (!isShared) log.info({}, "limits_shared_again");
      isShared = true;
      return answer;
    } catch (error) {
      if (isShared) log.warn({ cause: describeError(error) }, "limits_kept_by_each_replica");
      isShared = false;
      onUnshared();
      return undefined;
    }
  };
  return {
    take: (name, window, want) => ask(quotas.take(name, window, want)),
    hold: (name, holder, places) => ask(quotas.hold(name, holder, places)),
  };
}
