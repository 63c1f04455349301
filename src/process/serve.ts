import { setTimeout as pause } from "node:timers/promises";

import type { GatewayConfig } from "../config/gateway-config.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import { openGateway } from "../gateway.ts";
import type { Log } from "../kit/log.ts";
import { trimMemory } from "../kit/trim-memory.ts";
import { openAuditForward } from "../telemetry/audit-forward.ts";
import { openTelemetry } from "../telemetry/sdk.ts";
import { turnLine } from "../telemetry/turn-line.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface ServeParts {
  readonly config: GatewayConfig;
  readonly log: Log;
  /** Whether the standard variables name an OpenTelemetry collector. */
  readonly otlp: boolean;
  readonly stdout: NodeJS.WriteStream;
  /** Where this process is one of several workers. */
  readonly link: WorkerLink | undefined;
}

export interface Served {
  readonly url: string;
  /** Resolves if this process must be replaced by a new one: its keys are not the store's any more. */
  readonly outdated: Promise<void>;
  /** Lets running answers end, sends what was measured unless its collector is away, and frees everything. */
  stop(): Promise<void>;
}

/** So long for what a collector was not sent yet. One that is away would hold up the end for 10 s, Docker's patience. */
const LAST_EXPORT_MS = 2_000;

/** One gateway in this process. Rejects with an Error whose message is for the operator when it cannot start. */
export async function serve({ config, log, otlp, stdout, link }: ServeParts): Promise<Served> {
  const telemetry = await openTelemetry({ prometheus: config.telemetry.prometheus, otlp });
  const showsTurns = config.telemetry.turnLine === "on" || (config.telemetry.turnLine === "auto" && stdout.isTTY);
  const forward = await openAuditForward(config.audit.forward, (line) => void stdout.write(line));
  const { renderMetrics } = telemetry;
  const gateway = await openGateway(config, {
    meter: telemetry.meter,
    histograms: telemetry.histograms,
    renderMetrics: renderMetrics && (link?.shareMetrics(renderMetrics) ?? renderMetrics),
    log,
    clock: Date.now,
    onTurn: (report) => void (showsTurns && stdout.write(`${turnLine(report)}\n`)),
    onAuditEntry: forward.send,
  }).catch((error: unknown) => refuse("start", error));
  void gateway.countersReady.then(trimMemory);
  const url = await gateway.listen().catch((error: unknown) => refuse("listen", error));
  return {
    url,
    outdated: gateway.outdated,
    async stop() {
      await gateway.close();
      await Promise.race([Promise.all([telemetry.close(), forward.close()]), pause(LAST_EXPORT_MS)]);
    },
  };
}

function refuse(what: "start" | "listen", error: unknown): never {
  throw new Error(`stategate cannot ${what}: ${messageOf(error)}`);
}

function messageOf(error: unknown): string {
  if (error instanceof GatewayError || error instanceof TypeError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
