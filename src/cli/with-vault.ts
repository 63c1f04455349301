import type { GatewayConfig } from "../config/gateway-config.ts";
import { openAuditForward } from "../telemetry/audit-forward.ts";
import { createLog } from "../telemetry/create-log.ts";
import { openVault, type Vault } from "../vault.ts";
import { type CommandContext, CommandError } from "./command.ts";

/** Opens what the configured gateway stores, hands it to `work`, and closes it whatever comes of that. */
export async function withVault<T>(
  context: CommandContext,
  work: (vault: Vault, config: GatewayConfig) => Promise<T>,
): Promise<T> {
  const config = context.readConfig();
  if (config.store.address.expose() === "memory:") {
    throw new CommandError("the memory: store lives inside the gateway's process; nothing beside it can reach it");
  }
  // Standard output is for what was asked for.
  const forward = await openAuditForward(config.audit.forward, (line) => void context.stderr.write(line));
  const vault = await openVault(config, {
    log: createLog(config.log.level),
    clock: context.clock,
    onAuditEntry: forward.send,
  });
  try {
    return await work(vault, config);
  } finally {
    await vault.close();
    await forward.close();
  }
}
