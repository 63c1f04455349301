import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import OpenAI from "openai";

import { loadConfig } from "../../src/config/load-config.ts";
import { type SimulatedUpstream, startSimulatedUpstream } from "../../src/demo/simulated-upstream.ts";
import { type Gateway, type GatewayRoute, openGateway } from "../../src/gateway.ts";
import type { Log } from "../../src/kit/log.ts";
import { openAuditForward } from "../../src/telemetry/audit-forward.ts";
import { openTelemetry } from "../../src/telemetry/sdk.ts";
import type { TurnReport } from "../../src/telemetry/turn-meter.ts";
import { openTokenCounters } from "../../src/tokens/open-token-counters.ts";

/** Packed vocabularies and the development key of all test gateways: packing takes seconds, once. */
export const sharedFolder = resolve("node_modules/.cache/stategate-test");

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const exact = openTokenCounters({ cacheDirectory: join(sharedFolder, "cache"), log: silent });

/** Counts as the gateway does, for a simulated upstream whose bill is compared with it. */
export async function countTokens(): Promise<(text: string) => number> {
  await exact.ready;
  return (text) => exact.forModel("gpt-5").countText(text);
}

/** The variables of every test gateway, for what works beside one. */
export const testEnv = (folder: string): Readonly<Record<string, string>> => ({
  STATEGATE_PORT: "0",
  STATEGATE_STORE: `sqlite:${join(folder, "stategate.db")}`,
  STATEGATE_KEYS__DEVELOPMENT_KEY_FILE: join(sharedFolder, "development.key"),
  STATEGATE_HTTP__DRAIN_TIMEOUT_MS: "2000",
  // On a busy machine the first fsync alone takes longer than production may wait.
  STATEGATE_STORE__TIMEOUT_MS: "20000",
  // Tests call oftener than anybody.
  STATEGATE_LIMITS__SESSION_CALLS_PER_MINUTE: "100000000",
});

export interface TestGatewayOptions {
  /** `STATEGATE_*` variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given when several gateways share one. */
  readonly upstream?: SimulatedUpstream;
  readonly folder?: string;
  readonly clock?: () => number;
  readonly log?: Log;
  /** URL of an OTLP collector. */
  readonly otlp?: string;
  /** Lines of the audit log where `audit.forward` is `stdout`. */
  readonly onAuditLine?: (line: string) => void;
}

export interface TestGateway {
  /** Base URL with `/v1`. */
  readonly url: string;
  readonly origin: string;
  readonly upstream: SimulatedUpstream;
  readonly folder: string;
  readonly turns: readonly TurnReport[];
  readonly routes: readonly GatewayRoute[];
  client(key?: string): OpenAI;
  metrics(): Promise<string>;
  /** Waits for upkeep that answers started, and sends metrics to the collector. */
  flush(): Promise<void>;
  /** Closes the gateway and opens another on the same store. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "stategate-test-"));
  const upstream = options.upstream ?? (await startSimulatedUpstream({ countTokens: await countTokens() }));
  const turns: TurnReport[] = [];
  const open = () => openOne(options, { folder, upstream, turns });
  let current = await open();
  return {
    get url() {
      return `${current.origin}/v1`;
    },
    get origin() {
      return current.origin;
    },
    upstream,
    folder,
    turns,
    get routes() {
      return current.gateway.routes;
    },
    client: (key = "sk-test-user-1") => new OpenAI({ apiKey: key, baseURL: `${current.origin}/v1`, maxRetries: 0 }),
    metrics: async () => (await fetch(`${current.origin}/metrics`)).text(),
    flush: () => current.flush(),
    async restart() {
      await current.gateway.close();
      current = await open();
    },
    async close() {
      await current.gateway.close();
      if (!options.upstream) await upstream.close();
      if (!options.folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface OpenedGateway {
  readonly gateway: Gateway;
  readonly origin: string;
  flush(): Promise<void>;
}

async function openOne(
  { env = {}, clock = Date.now, log = silent, otlp, onAuditLine = () => undefined }: TestGatewayOptions,
  { folder, upstream, turns }: { folder: string; upstream: SimulatedUpstream; turns: TurnReport[] },
): Promise<OpenedGateway> {
  const config = loadConfig({ cwd: folder, env: { STATEGATE_UPSTREAM_URL: upstream.url, ...testEnv(folder), ...env } });
  // The exporter reads the standard variable, and nothing else.
  if (otlp) process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlp;
  const telemetry = await openTelemetry({ prometheus: true, otlp: otlp !== undefined });
  const forward = await openAuditForward(config.audit.forward, onAuditLine);
  const gateway = await openGateway(config, {
    meter: telemetry.meter,
    histograms: telemetry.histograms,
    renderMetrics: telemetry.renderMetrics,
    log,
    clock,
    onTurn: (report) => void turns.push(report),
    onAuditEntry: forward.send,
  });
  await gateway.countersReady;
  return {
    gateway: { ...gateway, close: () => gateway.close().then(() => forward.close()) },
    origin: await gateway.listen(),
    async flush() {
      await gateway.idle();
      await telemetry.flush();
    },
  };
}
