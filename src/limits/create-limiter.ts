import { GatewayError, hasCode } from "../errors/gateway-error.ts";
import type { Principal } from "../identity/principal.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { QuotaStore } from "../store/quota-store.ts";
import type { SessionStore } from "../store/session-store.ts";
import { type Account, forgetAccount } from "./account.ts";
import { createAccounts } from "./accounts.ts";
import { type Gate, placeGate, windowGate } from "./gate.ts";
import { type Admission, type Limiter, unlimited } from "./limiter.ts";
import type { LimitKind, Limits } from "./limits.ts";
import { rateHeaders } from "./rate-headers.ts";
import { createSharedQuotas } from "./shared-quotas.ts";

export interface LimiterOptions {
  /** A credential's own limits go before these, number by number. */
  readonly limits: Limits;
  readonly quotas: QuotaStore;
  readonly sessions: Pick<SessionStore, "count">;
  readonly clock: Clock;
  readonly log: Log;
  /** Called for each decision that this replica takes by its own count. */
  readonly onUnshared: () => void;
  /** Called once per user, kind and window, whichever replica refuses first. */
  readonly onExceeded: (owner: string, kind: LimitKind) => void;
}

export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, quotas, sessions } = options;
  const accounts = createAccounts({ quotas: createSharedQuotas(options), clock });
  const exceeded = (owner: string, kind: LimitKind): void => {
    void accounts
      .of(owner)
      .isFirstExcess(kind)
      .then((isFirst) => isFirst && options.onExceeded(owner, kind));
  };
  const refuse = (owner: string, shut: readonly Gate[], headers: Readonly<Record<string, string>> = {}): never => {
    for (const { kind } of shut) exceeded(owner, kind);
    throw limitExceeded(shut, headers);
  };
  const admitWithin = async (owner: string, limits: Limits): Promise<Admission> => {
    const account = accounts.of(owner);
    const { gates, headers } = chatGates(account, limits);
    if (limits.concurrentRequests !== undefined) accounts.hold(owner);
    const isOpen = await Promise.all(gates.map((gate) => gate.enter()));
    if (!isOpen.every(Boolean)) {
      for (const [index, gate] of gates.entries()) if (isOpen[index]) gate.undo();
      return refuse(
        owner,
        gates.filter((_, index) => !isOpen[index]),
        headers(),
      );
    }
    let isDone = false;
    return {
      headers: headers(),
      countsTokens: limits.tokensPerMinute !== undefined || limits.tokensPerDay !== undefined,
      done(tokens) {
        if (isDone) return;
        isDone = true;
        for (const gate of gates) gate.leave(tokens);
      },
    };
  };
  return {
    admit({ owner, limits: own }) {
      const limits = withOwn(options.limits, own);
      return limitsChat(limits) ? admitWithin(owner, limits) : unlimited;
    },
    async call({ owner, limits: own }) {
      const limit = withOwn(options.limits, own).sessionCallsPerMinute;
      if (limit === undefined) return;
      const gate = windowGate(accounts.of(owner), "sessionCallsPerMinute", { limit, cost: "each" });
      if (!(await gate.enter())) refuse(owner, [gate]);
    },
    async mayCreateSession({ owner, limits: own }) {
      const limit = withOwn(options.limits, own).sessions;
      if (limit === undefined || (await countSessions(sessions, owner, limit)) < limit) return;
      exceeded(owner, "sessions");
      throw new GatewayError("session_limit_reached", "as many sessions as the user may have");
    },
    async forget(owner) {
      accounts.forget(owner);
      await forgetAccount(quotas, owner);
    },
    close: () => accounts.close(),
  };
}

const withOwn = (limits: Limits, own: Principal["limits"]): Limits =>
  own ? { ...limits, ...Object.fromEntries(Object.entries(own).filter(([, limit]) => limit !== undefined)) } : limits;

const limitsChat = ({ requestsPerMinute, tokensPerMinute, tokensPerDay, concurrentRequests }: Limits): boolean =>
  requestsPerMinute !== undefined ||
  tokensPerMinute !== undefined ||
  tokensPerDay !== undefined ||
  concurrentRequests !== undefined;

function chatGates(account: Account, limits: Limits) {
  const { requestsPerMinute, concurrentRequests } = limits;
  const requests =
    requestsPerMinute === undefined
      ? undefined
      : windowGate(account, "requestsPerMinute", { limit: requestsPerMinute, cost: "each" });
  const tokens = (["tokensPerMinute", "tokensPerDay"] as const).flatMap((kind) => {
    const limit = limits[kind];
    return limit === undefined ? [] : [windowGate(account, kind, { limit, cost: "billed" })];
  });
  const places = concurrentRequests === undefined ? [] : [placeGate(account, concurrentRequests)];
  return {
    gates: [...(requests ? [requests] : []), ...tokens, ...places],
    headers: () => rateHeaders({ requests: requests?.window, tokens: tokens.map(({ window }) => window) }),
  };
}

/** Without the store no session can be made anyway: what fails there says it better. */
async function countSessions(sessions: LimiterOptions["sessions"], owner: string, atMost: number): Promise<number> {
  try {
    return await sessions.count(owner, atMost);
  } catch (error) {
    if (hasCode(error, "store_unavailable")) return 0;
    throw error;
  }
}

function limitExceeded(shut: readonly Gate[], headers: Readonly<Record<string, string>>): GatewayError {
  const waits = shut.map(({ waitMs }) => waitMs).filter((wait) => wait !== undefined);
  const names = shut.map(({ kind }) => kind).join(", ");
  return new GatewayError("rate_limit_exceeded", `over ${names}`, {
    publicDetail: `You have reached your limit (${names}). Retry when the header Retry-After says.`,
    headers,
    ...(waits.length > 0 && { retryAfterMs: Math.max(...waits) }),
  });
}
