import { join, dirname } from "node:path";

import type { Meter } from "@opentelemetry/api";

import { createAuditReader } from "./audit/audit-reader.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import { historyKnobs } from "./config/history-knobs.ts";
import { readPriceDocument } from "./config/price-document.ts";
import { upstreamProfile } from "./config/upstream-profile.ts";
import { type AppParts, createApp } from "./http/app.ts";
import { createCallerReader } from "./http/caller.ts";
import { createGatewayServer } from "./http/gateway-server.ts";
import type { AnswerPolicy } from "./http/guarded-response.ts";
import { createSharedRoutes } from "./http/shared-routes.ts";
import { namedTenant, ownerOf } from "./identity/namespaces.ts";
import type { Clock } from "./kit/clock.ts";
import type { Log } from "./kit/log.ts";
import { createLimiter } from "./limits/create-limiter.ts";
import type { Limiter } from "./limits/limiter.ts";
import { openIdentity } from "./open-identity.ts";
import { createRedactor } from "./redaction/create-redactor.ts";
import { placeholderNamer } from "./redaction/placeholder-namer.ts";
import { type RootSecretWatch, watchRootSecret } from "./sealing/watch-root-secret.ts";
import type { NoticeListener } from "./store/notice-listener.ts";
import type { Outbox } from "./store/outbox/with-outbox.ts";
import { openNoticePoller } from "./store/poll-notices.ts";
import { createTurnMeter } from "./telemetry/create-turn-meter.ts";
import type { Histograms } from "./telemetry/histograms.ts";
import { observeOutbox } from "./telemetry/observe-outbox.ts";
import type { TurnMeter, TurnReport } from "./telemetry/turn-meter.ts";
import { createPriceList } from "./tokens/create-price-list.ts";
import { openTokenCounters } from "./tokens/open-token-counters.ts";
import { createDeliveryHooks } from "./turn/deliver-waiting.ts";
import type { TurnPorts, TurnSettings } from "./turn/turn-ports.ts";
import { createTurnRing, type TurnRing } from "./turn/turn-ring.ts";
import { openHttpUpstream } from "./upstream/http-upstream.ts";
import { createOpenAiEmbedder } from "./upstream/openai-embedder.ts";
import { createOpenAiSummariser } from "./upstream/openai-summariser.ts";
import type { Upstream } from "./upstream/upstream.ts";
import { ERASED_NOTICE } from "./users/erase-user.ts";
import { rightsParts } from "./users/rights-parts.ts";
import { createUserRights, type UserRights } from "./users/user-rights.ts";
import { openVault, type Vault } from "./vault.ts";

export interface GatewayParts {
  readonly meter: Meter;
  readonly histograms: Histograms;
  readonly renderMetrics: (() => Promise<string>) | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly onTurn: (report: TurnReport) => void;
  /** Told of each entry of the audit log once it is stored. */
  readonly onAuditEntry: (entry: Buffer) => void;
}

/** A method, or `ALL`, and a path as the router knows it, such as `/v1/sessions/:id`. */
export interface GatewayRoute {
  readonly method: string;
  readonly path: string;
}

export interface Gateway {
  /** Every route there is, for tests that must not miss one. */
  readonly routes: readonly GatewayRoute[];
  /** Resolves to the base URL once connections are accepted. */
  listen(): Promise<string>;
  /** Resolves when token counts are exact, or never will be. */
  readonly countersReady: Promise<void>;
  /** Resolves if another root secret lies in the store: this process must end, so that one with that secret begins. */
  readonly outdated: Promise<void>;
  /** Resolves when no upkeep is running. */
  idle(): Promise<void>;
  /** Lets running answers end, for as long as the configuration allows, then frees everything. Idempotent. */
  close(): Promise<void>;
}

/** The composition root: the one place that knows every concrete part. */
export async function openGateway(config: GatewayConfig, parts: GatewayParts): Promise<Gateway> {
  const { log, clock, meter } = parts;
  const turnMeter = createTurnMeter(meter, parts.histograms);
  // Before anything is opened: what is wrong with the patterns is a mistake of the configuration.
  const redactor = config.redaction.mode === "off" ? undefined : createRedactor(config.redaction);
  const vault = await openMeteredVault(config, parts, turnMeter);
  const { store, keyedHash } = vault;
  vault.audit.record({ event: "sys_startup" });
  const notices = await openNoticePoller({ notices: store.notices, clock, log });
  const upstream = openHttpUpstream(upstreamOptions(config));
  const counters = openTokenCounters({ cacheDirectory: cacheDirectory(config), log });
  const limiter = openLimiter(config, { vault, turnMeter, clock, log });
  const ports: TurnPorts = {
    sessions: store.sessions,
    records: store.records,
    leases: store.leases,
    vectors: store.vectors,
    sealer: vault.sealer,
    recordSealer: vault.recordSealer,
    audit: vault.audit,
    keyedHash,
    redactor,
    placeholders: (scope) => placeholderNamer(keyedHash, scope),
    limiter,
    counters,
    prices: createPriceList(await readPriceDocument(config.prices.file)),
    upstream,
    summariser: createOpenAiSummariser({
      ...upstreamOptions(config),
      timeoutMs: config.history.summary.timeoutMs,
    }),
    embedder: createOpenAiEmbedder({ ...upstreamOptions(config), timeoutMs: config.history.summary.timeoutMs }),
    meter: turnMeter,
    clock,
    log,
    onTurn: parts.onTurn,
    settings: turnSettings(config),
  };
  const ring = createTurnRing(ports);
  if (vault.outbox) deliverWaiting(vault.outbox, meter, ring);
  let isDraining = false;
  const { identity, logins } = await openIdentity(config, { vault, notices, upstream, clock, log });
  const rights = createUserRights(rightsParts(vault, { clock, forget: ring.forget, forgetLimits: limiter.forget }));
  const outdated = Promise.withResolvers<void>();
  const watch = watchStore(vault, { notices, turnMeter, log, onReplaced: outdated.resolve });
  notices.on(ERASED_NOTICE, (owner) => forgetHere(owner, ring, limiter));
  const app = createApp({
    ring,
    identity,
    logins,
    rights,
    settings: httpSettings(config, vault),
    defaultStrategy: config.history.strategy,
    admin: adminParts(config, vault, rights),
    health: {
      checks: healthChecks(vault, upstream),
      isDraining: () => isDraining,
      renderMetrics: config.telemetry.prometheus ? parts.renderMetrics : undefined,
    },
  });
  const server = createGatewayServer({ app, settings: config.http, answers: answerPolicy(config), log });
  let closing: Promise<void> | undefined;
  return {
    routes: app.router.routes.map(({ method, path }) => ({ method, path })),
    countersReady: counters.ready,
    outdated: outdated.promise,
    idle: () => ring.idle(),
    listen: () => server.listen(),
    close() {
      isDraining = true;
      return (closing ??= server
        .close()
        .then(() => Promise.all([ring.idle(), limiter.close()]))
        .then(() => [notices.close(), watch.close()])
        .then(() => Promise.all([vault.close(), upstream.close()]))
        .then(() => undefined));
    },
  };
}

const openMeteredVault = (
  config: GatewayConfig,
  { log, clock, onAuditEntry }: GatewayParts,
  turnMeter: TurnMeter,
): Promise<Vault> =>
  openVault(config, {
    log,
    clock,
    onStoreCall: (operation, outcome, ms) => turnMeter.store(operation, outcome === "ok" ? "ok" : "error", ms),
    onDelivered: turnMeter.delivered,
    onAuditEntry,
    onAuditFailure: () => turnMeter.degraded("audit_failed"),
  });

function deliverWaiting(outbox: Outbox, meter: Meter, ring: TurnRing): void {
  observeOutbox(meter, outbox);
  outbox.deliver(createDeliveryHooks(ring));
}

const healthChecks = ({ store, outbox }: Vault, upstream: Upstream): Readonly<Record<string, () => Promise<void>>> => ({
  store: () => store.ping(),
  upstream: () => upstream.ping(),
  ...(outbox && { outbox: () => outbox.ping() }),
});

const STORE_LOST_NOTICE = "store_lost";

interface WatchParts {
  readonly notices: NoticeListener;
  readonly turnMeter: TurnMeter;
  readonly log: Log;
  readonly onReplaced: () => void;
}

/** A store that lost everything lost the users' keys, too: whoever holds one would seal what nobody can open. */
function watchStore(
  { store, keyring, rootSecret, sealer }: Vault,
  { notices, turnMeter, log, onReplaced }: WatchParts,
): RootSecretWatch {
  notices.on(STORE_LOST_NOTICE, () => {
    sealer.forgetAll();
    turnMeter.degraded("store_lost");
  });
  const onLost = (): Promise<void> => store.notices.post(STORE_LOST_NOTICE);
  return watchRootSecret({ records: store.records, keyring, rootSecret, log, onLost, onReplaced });
}

/** What the replica that erases has removed from the store is removed again, in case it failed there. */
function forgetHere(owner: string, ring: TurnRing, limiter: Limiter): void {
  ring.forget(owner);
  limiter.forget(owner).catch(() => undefined);
}

interface LimiterParts extends Pick<GatewayParts, "clock" | "log"> {
  readonly vault: Vault;
  readonly turnMeter: TurnMeter;
}

function openLimiter({ limits }: GatewayConfig, { vault, turnMeter, clock, log }: LimiterParts): Limiter {
  const { quotas, sessions } = vault.store;
  return createLimiter({
    limits,
    quotas,
    sessions,
    clock,
    log,
    onUnshared: () => turnMeter.degraded("limits_unshared"),
    onExceeded: (owner, reason) => vault.audit.record({ event: "excess_rate_limit_exceeded", owner, reason }),
  });
}

/** A browser's login counts where the gateway issues one. */
const answerPolicy = ({ http, identity }: GatewayConfig): AnswerPolicy => ({
  credentialHeaders: identity.mode === "passthrough" ? ["Authorization"] : ["Authorization", "Cookie"],
  corsOrigins: http.cors.origins,
});

function adminParts(
  { identity: { adminKey } }: GatewayConfig,
  { audit, store, sealer, keyedHash }: Vault,
  rights: UserRights,
): AppParts["admin"] {
  const userId = (tenant: string, user: string): string => ownerOf(keyedHash, namedTenant(keyedHash, tenant), user);
  return (
    adminKey && {
      adminKey,
      audit,
      auditReader: createAuditReader(store.audit, sealer),
      users: { rights, audit, userId },
    }
  );
}

/** Beside the database, where there is one. */
function cacheDirectory({ keys }: GatewayConfig): string {
  return join(dirname(keys.developmentKeyFile), "cache");
}

function httpSettings({ http, identity, upstream }: GatewayConfig, { audit }: Vault): AppParts["settings"] {
  return {
    maxBodyBytes: http.maxBodyBytes,
    caller: createCallerReader(http.trustedProxies),
    sessionAliases: identity.sessionIdFrom,
    sharedRoutes: upstream.apiKey && createSharedRoutes(upstream.sharedRoutes, audit),
  };
}

function upstreamOptions({ upstream: { url, apiKey, timeouts, maxConnections } }: GatewayConfig) {
  return { baseUrl: url, timeouts, maxConnections, ...(apiKey && { apiKey }) };
}

function turnSettings({ http, upstream, history, sessions, redaction }: GatewayConfig): TurnSettings {
  const { summary } = history;
  return {
    limits: { maxDepth: http.maxDepth, maxKeys: http.maxKeys, maxValues: http.maxValues },
    strategy: history.strategy,
    observes: history.mode === "observe",
    knobs: historyKnobs(history),
    recall: history.recall,
    summaryModel: summary.model,
    summaryTimeoutMs: summary.timeoutMs,
    promptCache: upstream.promptCache,
    cacheHints: { profile: upstreamProfile(upstream), retention: upstream.promptCache.retention },
    keepReasoning: upstream.keepReasoning,
    withholding: {
      fromUpstream: redaction.mode === "upstream",
      restores: redaction.mode === "upstream" || (redaction.mode === "store" && redaction.restore === "session"),
    },
    onDisconnect: upstream.onDisconnect,
    ttl: {
      mode: sessions.ttl.mode,
      idleMs: sessions.ttl.seconds * 1000,
      absoluteMs: sessions.absoluteSeconds * 1000,
    },
    idFormat: sessions.idFormat,
    rotationGraceMs: sessions.rotationGraceSeconds * 1000,
    binding: sessions.binding,
    concurrency: sessions.concurrency,
  };
}
