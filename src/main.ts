import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";

import type { CommandEntry } from "./cli/command.ts";
import { operatorCommands, runCommand } from "./cli/run-command.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import { historyNotice } from "./config/history-notice.ts";
import { loadConfig } from "./config/load-config.ts";
import type { Log } from "./kit/log.ts";
import { openWorkerLink } from "./process/worker-link.ts";
import { createLog } from "./telemetry/create-log.ts";

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
  const workers = config.workers === "auto" ? availableParallelism() : config.workers;
  if (cluster.isPrimary && workers > 1) await supervise({ config, log, workers });
  else await serveHere(config, log);
}

async function serveHere(config: GatewayConfig, log: Log): Promise<void> {
  const { serve } = await import("./process/serve.ts");
  const { env, stdout } = process;
  const otlp = Boolean(env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"]);
  const link = cluster.isWorker ? openWorkerLink(process) : undefined;
  const served = await serve({ config, log, otlp, stdout, link }).catch((error: Error) => fail(error.message));
  const stop = async (exitCode = 0): Promise<void> => {
    await served.stop();
    process.exit(exitCode);
  };
  void served.outdated.then(() => stop(1));
  if (link) {
    link.onStop(() => void stop());
    link.listening(served.url);
  } else {
    // Whoever reads that it listens may already ask it to stop.
    onStopSignal(log, stop);
    announce(config, served.url);
  }
}

async function supervise(parts: { config: GatewayConfig; log: Log; workers: number }): Promise<void> {
  const { config, log, workers } = parts;
  const { superviseWorkers } = await import("./process/supervise-workers.ts");
  const supervisor = superviseWorkers({ workers, log, announce: (url) => announce(config, url) });
  void supervisor.failed.then((code) => process.exit(code));
  onStopSignal(log, async () => {
    await supervisor.stop();
    process.exit(0);
  });
}

function announce(config: GatewayConfig, url: string): void {
  const store = storeName(config.store.address.expose());
  process.stdout.write(
    `stategate listens on ${url}/v1 in front of ${config.upstream.url}, sessions in ${store}\n${historyNotice(config)}\n`,
  );
}

/** The first signal drains, the second ends at once. */
function onStopSignal(log: Log, stop: () => Promise<void>): void {
  const drain = (signal: NodeJS.Signals): void => {
    log.info({ signal }, "draining");
    process.once(signal, () => process.exit(1));
    void stop();
  };
  process.once("SIGTERM", drain);
  process.once("SIGINT", drain);
}

const readConfig = () => loadConfig({ env: process.env, cwd: process.cwd() });

/** A store's address without the credentials it may hold, up to the last `@`: a password may hold others. */
const storeName = (address: string): string => address.replace(/\/\/.*@/, "//");

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
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
