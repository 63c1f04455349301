import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import { type CircuitPass, createCircuit } from "./circuit.ts";
import type { StoreBackend } from "./store-backend.ts";
import { storeUnavailable } from "./store-unavailable.ts";

export type StoreOperation =
  | "load"
  | "readTurns"
  | "commit"
  | "remove"
  | "list"
  | "count"
  | "removeOwner"
  | "scan"
  | "readRecord"
  | "putRecord"
  | "replaceRecord"
  | "removeRecord"
  | "listRecords"
  | "takeQuota"
  | "holdPlaces"
  | "forgetQuota"
  | "postNotice"
  | "readNotices"
  | "appendAudit"
  | "readAudit"
  | "acquireLease"
  | "releaseLease"
  | "putVectors"
  | "findVectors"
  | "ping";

/** A disk that is full or read-only fails these alone. */
const writes: ReadonlySet<StoreOperation> = new Set([
  "commit",
  "remove",
  "removeOwner",
  "putRecord",
  "replaceRecord",
  "removeRecord",
  "takeQuota",
  "holdPlaces",
  "forgetQuota",
  "postNotice",
  "appendAudit",
  "acquireLease",
  "releaseLease",
]);

/** `refused`: the circuit was open and the backend was not asked. `failed`: the caller's or our own mistake. */
export type StoreCallOutcome = "ok" | "timeout" | "unavailable" | "refused" | "failed";

export interface BreakerOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Consecutive failures that open a circuit. Default 5. */
  readonly failures?: number;
  /** How long an open circuit refuses before it lets one call through. Default 1,000. */
  readonly pauseMs?: number;
  readonly onCall?: (operation: StoreOperation, outcome: StoreCallOutcome, ms: number) => void;
}

/**
 * The same backend, never waited for longer than `timeoutMs`, and not asked at all while it keeps failing: calls then
 * reject at once with `store_unavailable`. Reads and writes have a circuit each, so that a store which only cannot be
 * written is read on. `ping` has the timeout but passes an open circuit, because readiness asks.
 *
 * A call that timed out is not cancelled: its commit may still be written. Repeat the commit unchanged, and it is
 * either acknowledged or conflicts with `current.turns` holding its turn (see `SessionStore.commit`).
 */
export function withBreaker(backend: StoreBackend, options: BreakerOptions): StoreBackend {
  const { failures = 5, pauseMs = 1_000, clock, log } = options;
  const reading = createCircuit({ calls: "reads", failures, pauseMs, clock, log });
  const writing = createCircuit({ calls: "writes", failures, pauseMs, clock, log });
  const guard = createGuard((operation) => (writes.has(operation) ? writing : reading).enter(), options);
  const guardWithoutCircuit = createGuard(() => alwaysPass, options);
  const { sessions, records, leases, quotas, notices, audit, vectors } = backend;
  return {
    sessions: {
      load: (key, known) => guard("load", () => sessions.load(key, known)),
      readTurns: (key, from, to) => guard("readTurns", () => sessions.readTurns(key, from, to)),
      commit: (commit) => guard("commit", () => sessions.commit(commit)),
      remove: (key) => guard("remove", () => sessions.remove(key)),
      list: (owner, page) => guard("list", () => sessions.list(owner, page)),
      count: (owner, atMost) => guard("count", () => sessions.count(owner, atMost)),
      removeOwner: (owner) => guard("removeOwner", () => sessions.removeOwner(owner)),
      scan: (after) => guard("scan", () => sessions.scan(after)),
    },
    records: {
      read: (name) => guard("readRecord", () => records.read(name)),
      putIfAbsent: (name, bytes, expiresAt) => guard("putRecord", () => records.putIfAbsent(name, bytes, expiresAt)),
      replace: (name, change) => guard("replaceRecord", () => records.replace(name, change)),
      remove: (name) => guard("removeRecord", () => records.remove(name)),
      list: (prefix, page) => guard("listRecords", () => records.list(prefix, page)),
    },
    leases: {
      acquire: (name, holder, ttlMs) => guard("acquireLease", () => leases.acquire(name, holder, ttlMs)),
      release: (name, holder) => guard("releaseLease", () => leases.release(name, holder)),
    },
    quotas: {
      take: (name, window, want) => guard("takeQuota", () => quotas.take(name, window, want)),
      hold: (name, holder, places) => guard("holdPlaces", () => quotas.hold(name, holder, places)),
      forget: (name) => guard("forgetQuota", () => quotas.forget(name)),
    },
    notices: {
      post: (notice) => guard("postNotice", () => notices.post(notice)),
      read: (after) => guard("readNotices", () => notices.read(after)),
    },
    audit: {
      append: (rows) => guard("appendAudit", () => audit.append(rows)),
      chains: () => guard("readAudit", () => audit.chains()),
      read: (chain, page) => guard("readAudit", () => audit.read(chain, page)),
      latest: (page) => guard("readAudit", () => audit.latest(page)),
    },
    vectors: vectors && {
      put: (session, own) => guard("putVectors", () => vectors.put(session, own)),
      present: (session, units) => guard("findVectors", () => vectors.present(session, units)),
      nearest: (query) => guard("findVectors", () => vectors.nearest(query)),
    },
    ping: () => guardWithoutCircuit("ping", () => backend.ping()),
    close: () => backend.close(),
  };
}

const alwaysPass: CircuitPass = { succeeded() {}, failed() {} };

type Guard = <T>(operation: StoreOperation, call: () => Promise<T>) => Promise<T>;

function createGuard(
  enter: (operation: StoreOperation) => CircuitPass | undefined,
  { timeoutMs, onCall }: BreakerOptions,
): Guard {
  const withinTime = createTimeLimit(timeoutMs);
  return async (operation, call) => {
    const startedAt = performance.now();
    const report = (outcome: StoreCallOutcome): void => onCall?.(operation, outcome, performance.now() - startedAt);
    const pass = enter(operation);
    if (!pass) {
      report("refused");
      throw storeUnavailable("the store kept failing and is left alone for a moment");
    }
    try {
      const value = await withinTime(call());
      pass.succeeded();
      report("ok");
      return value;
    } catch (cause) {
      const isOutage = cause instanceof GatewayError && cause.code === "store_unavailable";
      if (isOutage) pass.failed();
      else pass.succeeded();
      report(cause instanceof StoreTimeout ? "timeout" : isOutage ? "unavailable" : "failed");
      throw cause;
    }
  };
}

class StoreTimeout extends GatewayError {
  constructor(timeoutMs: number) {
    super("store_unavailable", `the store did not answer within ${timeoutMs} ms`);
  }
}

interface Wait {
  readonly until: number;
  readonly reject: (late: StoreTimeout) => void;
}

/** Calls in the order in which they run late, since all have the same time: one timer watches the first of them. */
function createTimeLimit(timeoutMs: number): <T>(call: Promise<T>) => Promise<T> {
  const waiting = new Set<Wait>();
  let isWatched = false;
  const watch = (ms: number): void => {
    isWatched = true;
    setTimeout(refuseLate, ms).unref();
  };
  const refuseLate = (): void => {
    isWatched = false;
    for (const wait of waiting) {
      const left = wait.until - performance.now();
      if (left > 0) return watch(left);
      waiting.delete(wait);
      // When this process was busy, the answer may lie unread in the socket: let the loop read it first.
      setImmediate(() => wait.reject(new StoreTimeout(timeoutMs)));
    }
  };
  return (call) =>
    new Promise((resolve, reject) => {
      const wait = { until: performance.now() + timeoutMs, reject };
      waiting.add(wait);
      if (!isWatched) watch(timeoutMs);
      call.then(
        (value) => {
          waiting.delete(wait);
          resolve(value);
        },
        (error: Error) => {
          waiting.delete(wait);
          reject(error);
        },
      );
    });
}
