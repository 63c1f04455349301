import { parseArgs } from "node:util";

import { describe, expect, it } from "vitest";

import { type Command, type CommandContext, CommandError, type CommandEntry } from "../../../src/cli/command.ts";
import { operatorCommands, runCommand } from "../../../src/cli/run-command.ts";
import { withVault } from "../../../src/cli/with-vault.ts";
import { ConfigError } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load-config.ts";

const entry = (words: string, run: Command): CommandEntry => ({ words, does: `does ${words}`, load: async () => run });

async function run(commands: readonly CommandEntry[], ...args: readonly string[]) {
  let [out, err] = ["", ""];
  const exitCode = await runCommand(commands, {
    args,
    readConfig: () => loadConfig({ env: { STATEGATE_STORE: "memory:" }, cwd: "/" }),
    readInput: async () => "",
    clock: Date.now,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { exitCode, out, err };
}

describe("the command line", () => {
  it("runs the command that its first words name, and hands on what follows", async () => {
    const seen: string[] = [];
    const note =
      (name: string) =>
      async ({ args }: CommandContext): Promise<void> =>
        void seen.push([name, ...args].join(" "));
    const commands = [entry("keys", note("keys")), entry("keys rotate", note("rotate"))].toReversed();
    expect(await run(commands, "keys", "rotate", "--quiet")).toEqual({ exitCode: 0, out: "", err: "" });
    expect(await run(commands, "keys", "list")).toMatchObject({ exitCode: 0 });
    expect(seen).toEqual(["rotate --quiet", "keys list"]);
  });

  it.each([["--help"], ["help"], ["-h"], ["one", "--help"]])("shows its usage for %s", async (...args) => {
    const shown = await run([entry("one", async () => undefined), entry("two words", async () => undefined)], ...args);
    expect(shown).toEqual({
      exitCode: 0,
      out: "stategate <command>\n\n  one         does one\n  two words   does two words\n",
      err: "",
    });
  });

  it.each([["three"], ["two"], ["words", "two"], [""]])("refuses %s, and shows what it knows", async (...args) => {
    const { exitCode, err, out } = await run([entry("two words", async () => undefined)], ...args);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    expect(err).toContain("no such command");
    expect(err).toContain("two words");
  });

  it("ends with 1 and one line when a command cannot be done", async () => {
    const fail = entry("fail", async () => Promise.reject(new CommandError("the door is locked")));
    expect(await run([fail], "fail")).toEqual({ exitCode: 1, out: "", err: "stategate fail: the door is locked\n" });
    const misconfigured = entry("fail", async () => Promise.reject(new ConfigError([{ path: "x", message: "odd" }])));
    expect(await run([misconfigured], "fail")).toMatchObject({ exitCode: 1, out: "" });
  });

  it("ends with 2 for options that a command does not know", async () => {
    const parse = entry("parse", async ({ args }) => void parseArgs({ args: [...args], options: {} }));
    expect(await run([parse], "parse", "--colour")).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("--colour"),
    });
  });

  it("lets through what nobody expected", async () => {
    const broken = entry("broken", async () => Promise.reject(new RangeError("a bug")));
    await expect(run([broken], "broken")).rejects.toThrow("a bug");
  });

  it("cannot reach a store that lives in the gateway's process, and says so", async () => {
    const look = entry("look", (context) => withVault(context, async () => undefined));
    const { exitCode, err } = await run([look], "look");
    expect(exitCode).toBe(1);
    expect(err).toContain("inside the gateway's process");
  });

  it("can load every command that it lists", async () => {
    for (const { load } of operatorCommands) expect(await load()).toBeTypeOf("function");
  });
});
