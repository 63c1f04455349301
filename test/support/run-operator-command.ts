import { operatorCommands, runCommand } from "../../src/cli/run-command.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { testEnv } from "./test-gateway.ts";

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandPlace {
  /** The folder of the gateway beside which the command works. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: () => number;
  /** What comes on standard input. */
  readonly input?: string;
}

/** What an operator types behind `stategate`, in the process of the test. */
export async function runOperatorCommand(
  args: readonly string[],
  { folder, env = {}, clock = Date.now, input = "" }: CommandPlace,
): Promise<CommandOutcome> {
  const written = { stdout: "", stderr: "" };
  const code = await runCommand(operatorCommands, {
    args,
    readConfig: () => loadConfig({ cwd: folder, env: { ...testEnv(folder), ...env } }),
    readInput: async () => input,
    clock,
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
  });
  return { code, ...written };
}

/** A key that `stategate keys issue` made. */
export async function issueKey(args: readonly string[], place: CommandPlace): Promise<string> {
  const { stdout, stderr } = await runOperatorCommand(["keys", "issue", ...args], place);
  const key = /sg_[\w-]{43}/.exec(stdout)?.[0];
  if (key === undefined) throw new Error(`no key was issued: ${stderr}`);
  return key;
}
