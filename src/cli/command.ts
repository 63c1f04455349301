import type { GatewayConfig } from "../config/gateway-config.ts";
import type { Clock } from "../kit/clock.ts";

export interface Output {
  write(text: string): unknown;
  /** Whether somebody watches: lines may then be written over. */
  readonly isTTY?: boolean | undefined;
}

/** What a command may touch of the process. */
export interface CommandContext {
  /** What follows the command's own words; read with `joinValues`, `parseArgs`: its complaints are shown. */
  readonly args: readonly string[];
  /** The configuration of the gateway beside which the command works. @throws ConfigError */
  readonly readConfig: () => GatewayConfig;
  /** All of standard input, for what must not stand among the arguments. */
  readonly readInput: () => Promise<string>;
  readonly clock: Clock;
  /** For what was asked for. */
  readonly stdout: Output;
  /** For progress and complaints. */
  readonly stderr: Output;
}

/** Rejects with CommandError, GatewayError or ConfigError for what can happen; the message is all that is shown. */
export type Command = (context: CommandContext) => Promise<void>;

export interface CommandEntry {
  readonly words: string;
  /** One line for the usage text, without a full stop. */
  readonly does: string;
  /** A command's module is loaded when it is called: none slows the start of the gateway. */
  readonly load: () => Promise<Command>;
}

/** A command that was understood and cannot be done. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
