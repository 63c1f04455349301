import { text } from "node:stream/consumers";

import type { CommandEntry } from "./cli/command.ts";
import { operatorCommands, runCommand } from "./cli/run-command.ts";
import { historyNotice } from "./config/history-notice.ts";
import { loadConfig } from "./config/load-config.ts";
import { GatewayError } from "./errors/gateway-error.ts";
import { openGateway } from "./gateway.ts";
import { trimMemory } from "./kit/trim-memory.ts";
import { openAuditForward } from "./telemetry/audit-forward.ts";
import { createLog } from "./telemetry/create-log.ts";
import { openTelemetry } from "./telemetry/sdk.ts";
import { turnLine } from "./telemetry/turn-line.ts";

const commands: readonly CommandEntry[] = [
  { words: "start", does: "run the gateway (default)", load: async () => start },
  {
    words: "demo",
    does: "play a long conversation against a simulated upstream; needs no key and no network",
    load: async () => (await import("./demo/run-demo.ts")).runDemo,
  },
  ...operatorCommands,
];

async function start(): Promise<void> {
  const config = readConfig();
  const log = createLog(config.log.level);
  const { env, stdout } = process;
  const telemetry = await openTelemetry({
    prometheus: config.telemetry.prometheus,
    otlp: Boolean(env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"]),
  });
  const showsTurns = config.telemetry.turnLine === "on" || (config.telemetry.turnLine === "auto" && stdout.isTTY);
  const forward = await openAuditForward(config.audit.forward, (line) => void stdout.write(line));
  const gateway = await openGateway(config, {
    meter: telemetry.meter,
    renderMetrics: telemetry.renderMetrics,
    log,
    clock: Date.now,
    onTurn: (report) => void (showsTurns && stdout.write(`${turnLine(report)}\n`)),
    onAuditEntry: forward.send,
  }).catch((error: unknown) => fail(`stategate cannot start: ${messageOf(error)}\n`));
  void gateway.countersReady.then(trimMemory);
  const url = await gateway.listen().catch((error: unknown) => fail(`stategate cannot listen: ${messageOf(error)}\n`));
  stdout.write(
    `stategate listens on ${url}/v1 in front of ${config.upstream.url}, sessions in ${storeName(config.store.address.expose())}\n`,
  );
  stdout.write(`${historyNotice(config)}\n`);

  const stop = (signal: NodeJS.Signals): void => {
    log.info({ signal }, "draining");
    process.once(signal, () => process.exit(1));
    void gateway
      .close()
      .then(() => Promise.all([telemetry.close(), forward.close()]))
      .then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

const readConfig = () => loadConfig({ env: process.env, cwd: process.cwd() });

/** A store's address without the credentials it may hold. */
const storeName = (address: string): string => address.replace(/\/\/[^@/]*@/, "//");

const messageOf = (error: unknown): string => {
  if (error instanceof GatewayError || error instanceof TypeError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

function fail(message: string): never {
  process.stderr.write(message);
  process.exit(1);
}

process.exitCode = await runCommand(commands, {
  args: process.argv.length > 2 ? process.argv.slice(2) : ["start"],
  readConfig,
  readInput: () => text(process.stdin),
  clock: Date.now,
  stdout: process.stdout,
  stderr: process.stderr,
});
