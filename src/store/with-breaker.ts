import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import { createCallGuard } from "./call-guard.ts";
import type { CircuitPass } from "./circuit.ts";
import { createPartitionCircuits } from "./partition-circuits.ts";
import { runPiece } from "./session-store.ts";
import type { StoreBackend, StoreSubject } from "./store-backend.ts";
import type { StoreOperation, TellStoreCall } from "./store-operation.ts";

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

export interface BreakerOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Consecutive failures that open a circuit. Default 5. */
  readonly failures?: number;
  /** How long an open circuit refuses before it lets one call through. Default 1,000. */
  readonly pauseMs?: number;
  readonly onCall?: TellStoreCall;
}

/**
 * The same backend, never waited for longer than `timeoutMs`, and not asked at all while it keeps failing: calls then
 * reject at once with `store_unavailable`. Reads and writes have a circuit each, so that a store which only cannot be
 * written is read on, and so has each partition, where there are several. `ping` has the timeout but passes an open
 * circuit, because readiness asks.
 *
 * A call that timed out is not cancelled: its commit may still be written. Repeat the commit unchanged, and it is
 * either acknowledged or conflicts with `current.turns` holding its turn (see `SessionStore.commit`).
 */
export function withBreaker(backend: StoreBackend, options: BreakerOptions): StoreBackend {
  const { failures = 5, pauseMs = 1_000, timeoutMs, clock, log, onCall: tell = nothing } = options;
  const circuits = createPartitionCircuits(backend.partitionOf, { failures, pauseMs, clock, log });
  const guard = createCallGuard({
    enter: (operation, subjects) => circuits.enter(writes.has(operation) ? "writes" : "reads", subjects),
    timeoutMs,
    tell,
  });
  const guardWithoutCircuit = createCallGuard({ enter: () => alwaysPass, timeoutMs, tell });
  const { sessions, records, leases, quotas, notices, audit, vectors } = backend;
  return {
    sessions: {
      load: (key, known) => guard("load", [session(key)], () => sessions.load(key, known)),
      readTurns: (key, from, to) => guard("readTurns", [session(key)], () => sessions.readTurns(key, from, to)),
      commit: (commit) =>
        guard("commit", [session(commit.key), owned(commit.fields.owner)], () => sessions.commit(commit)),
      remove: (key) => guard("remove", [session(key), anywhere], () => sessions.remove(key)),
      list: (owner, page) => guard("list", [owned(owner), anywhere], () => sessions.list(owner, page)),
      count: (owner, atMost) => guard("count", [owned(owner), anywhere], () => sessions.count(owner, atMost)),
      // Piece by piece, or the many sessions of one owner would pass for an outage.
      removeOwner: (owner, step = runPiece) =>
        sessions.removeOwner(owner, (piece) => step(() => guard("removeOwner", [owned(owner), anywhere], piece))),
      scan: (after) => guard("scan", [anywhere], () => sessions.scan(after)),
    },
    records: {
      read: (name) => guard("readRecord", [record(name)], () => records.read(name)),
      putIfAbsent: (name, bytes, expiresAt) =>
        guard("putRecord", [record(name)], () => records.putIfAbsent(name, bytes, expiresAt)),
      replace: (name, change) => guard("replaceRecord", [record(name)], () => records.replace(name, change)),
      remove: (name) => guard("removeRecord", [record(name)], () => records.remove(name)),
      list: (prefix, page) => guard("listRecords", [record(prefix)], () => records.list(prefix, page)),
    },
    leases: {
      acquire: (name, holder, ttlMs) =>
        guard("acquireLease", [{ kind: "lease", name }], () => leases.acquire(name, holder, ttlMs)),
      release: (name, holder) => guard("releaseLease", [{ kind: "lease", name }], () => leases.release(name, holder)),
    },
    quotas: {
      take: (name, window, want) =>
        guard("takeQuota", [{ kind: "quota", name }], () => quotas.take(name, window, want)),
      hold: (name, holder, places) =>
        guard("holdPlaces", [{ kind: "quota", name }], () => quotas.hold(name, holder, places)),
      forget: (name) => guard("forgetQuota", [{ kind: "quota", name }], () => quotas.forget(name)),
    },
    notices: {
      post: (notice) => guard("postNotice", [allNotices], () => notices.post(notice)),
      read: (after) => guard("readNotices", [allNotices], () => notices.read(after)),
    },
    audit: {
      append: (rows) => guard("appendAudit", [wholeAudit], () => audit.append(rows)),
      chains: () => guard("readAudit", [wholeAudit], () => audit.chains()),
      read: (chain, page) => guard("readAudit", [wholeAudit], () => audit.read(chain, page)),
      latest: (page) => guard("readAudit", [wholeAudit], () => audit.latest(page)),
    },
    vectors: vectors && {
      put: (life, own) => guard("putVectors", [session(life.key)], () => vectors.put(life, own)),
      present: (life, units) => guard("findVectors", [session(life.key)], () => vectors.present(life, units)),
      nearest: (query) => guard("findVectors", [owned(query.owner), anywhere], () => vectors.nearest(query)),
    },
    ping: () => guardWithoutCircuit("ping", [], () => backend.ping()),
    close: () => backend.close(),
  };
}

const session = (name: string): StoreSubject => ({ kind: "session", name });
const owned = (name: string): StoreSubject => ({ kind: "owner", name });
const record = (name: string): StoreSubject => ({ kind: "record", name });
const allNotices: StoreSubject = { kind: "notices", name: "" };
const wholeAudit: StoreSubject = { kind: "audit", name: "" };
const anywhere: StoreSubject = { kind: "anywhere", name: "" };

const alwaysPass: CircuitPass = { succeeded() {}, failed() {}, failedSomewhere() {} };

const nothing = (): void => undefined;
