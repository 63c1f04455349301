import type { Clock } from "../kit/clock.ts";
import type { QuotaStore, QuotaWindow } from "../store/quota-store.ts";
import { createLeasedPlaces, type LeasedPlaces } from "./leased-places.ts";
import { LeasedWindow } from "./leased-window.ts";
import { type LimitKind, type WindowKind, windowLengthsMs } from "./limits.ts";
import type { SharedQuotas } from "./shared-quotas.ts";

export interface AccountParts {
  readonly quotas: SharedQuotas;
  readonly clock: Clock;
  /** This replica's name among the holders of places. */
  readonly replica: string;
  readonly placeTtlMs: number;
}

/** What one replica knows of one user's use. Keys of one user may bring different limits: they share what is used. */
export interface Account {
  /** The window of now. */
  window(kind: WindowKind, limit: number): LeasedWindow;
  places(limit: number): LeasedPlaces;
  /** Whether nobody, on any replica, was told in this window that the limit was passed. */
  isFirstExcess(kind: LimitKind): Promise<boolean>;
  renewPlaces(): Promise<void>;
  /** No request of the user runs here. */
  readonly isIdle: boolean;
  /** The user is erased: of what still ends here, nothing is written any more. */
  forget(): void;
}

/** Removes what a user used from the store. Of the user there is only the keyed hash in its names. */
export async function forgetAccount(quotas: QuotaStore, owner: string): Promise<void> {
  const names = kinds.flatMap((kind) => [quotaName(owner, kind), excessName(owner, kind)]);
  await Promise.all(names.map((name) => quotas.forget(name)));
}

const kinds: readonly LimitKind[] = [
  "requestsPerMinute",
  "tokensPerMinute",
  "tokensPerDay",
  "sessionCallsPerMinute",
  "concurrentRequests",
  "sessions",
];
const quotaName = (owner: string, kind: LimitKind): string => `${owner}:${kind}`;
const excessName = (owner: string, kind: LimitKind): string => `${owner}:${kind}:excess`;

export function createAccount(owner: string, { quotas: shared, clock, replica, placeTtlMs }: AccountParts): Account {
  let isForgotten = false;
  const quotas: SharedQuotas = {
    take: async (...asked) => (isForgotten ? undefined : shared.take(...asked)),
    hold: async (...asked) => (isForgotten ? undefined : shared.hold(...asked)),
  };
  const windows = new Map<string, LeasedWindow>();
  const places = new Map<number, LeasedPlaces>();
  const told = new Map<LimitKind, number>();

  const windowOfNow = (kind: LimitKind, limit: number): QuotaWindow => {
    const lengthMs = kind in windowLengthsMs ? windowLengthsMs[kind as WindowKind] : 60_000;
    const startsAt = Math.floor(clock() / lengthMs) * lengthMs;
    return { startsAt, endsAt: startsAt + lengthMs, limit };
  };

  return {
    window(kind, limit) {
      const name = `${kind}:${limit}`;
      const known = windows.get(name);
      if (known && known.remainingMs > 0) return known;
      const window = windowOfNow(kind, limit);
      const fresh = new LeasedWindow({ name: quotaName(owner, kind), window, quotas, clock });
      windows.set(name, fresh);
      return fresh;
    },
    places(limit) {
      const known = places.get(limit);
      if (known) return known;
      const fresh = createLeasedPlaces({
        name: quotaName(owner, "concurrentRequests"),
        // Each of a user's limits counts the places of the others as taken.
        holder: `${replica}:${limit}`,
        limit,
        ttlMs: placeTtlMs,
        quotas,
      });
      places.set(limit, fresh);
      return fresh;
    },
    async isFirstExcess(kind) {
      const window = windowOfNow(kind, 1);
      if (told.get(kind) === window.startsAt) return false;
      told.set(kind, window.startsAt);
      const grant = await quotas.take(excessName(owner, kind), window, 1);
      return !grant || grant.granted === 1;
    },
    async renewPlaces() {
      await Promise.all([...places.values()].map((held) => held.renew()));
    },
    get isIdle() {
      return [...places.values()].every((held) => held.isIdle);
    },
    forget() {
      isForgotten = true;
    },
  };
}
