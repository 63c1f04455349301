import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { openDevelopmentKeyFile } from "../../../src/sealing/development-key-file.ts";

const run = promisify(execFile);
const module = new URL("../../../src/sealing/development-key-file.ts", import.meta.url).href;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stategate-keys-"));
  path = join(folder, "data", "development.key");
});
afterEach(() => rm(folder, { recursive: true }));

describe("the development key file", () => {
  it("is made once, for its owner only, and leaves no other file behind", async () => {
    const made = await openDevelopmentKeyFile(path);
    expect(made.created).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, "data"))).toEqual(["development.key"]);

    const opened = await openDevelopmentKeyFile(path);
    expect(opened.created).toBe(false);
    expect(opened.masterKeys[0]?.id).toBe(made.masterKeys[0]?.id);
    expect(opened.masterKeys[0]?.key.export()).toEqual(made.masterKeys[0]?.key.export());
  });

  it("gets a new id with each new key, so that a lost file is recognised", async () => {
    const first = await openDevelopmentKeyFile(path);
    await rm(path);
    const second = await openDevelopmentKeyFile(path);
    expect(second.masterKeys[0]?.id).not.toBe(first.masterKeys[0]?.id);
    expect(second.masterKeys[0]?.key.export()).not.toEqual(first.masterKeys[0]?.key.export());
  });

  it("is the same for processes that start together", async () => {
    const script = `
      const { openDevelopmentKeyFile } = await import(${JSON.stringify(module)});
      const { masterKeys: [only], created } = await openDevelopmentKeyFile(process.argv[1]);
      console.log(only.id + " " + only.key.export().toString("hex") + " " + created);`;
    const start = () => run(process.execPath, ["--input-type=module", "--eval", script, path]);
    const lines = (await Promise.all(Array.from({ length: 4 }, start))).map(({ stdout }) => stdout.trim());
    expect(new Set(lines.map((line) => line.split(" ").slice(0, 2).join(" "))).size).toBe(1);
    expect(lines.filter((line) => line.endsWith("true"))).toHaveLength(1);
  });

  it("is the same for calls that race within a process", async () => {
    const files = await Promise.all(Array.from({ length: 20 }, () => openDevelopmentKeyFile(path)));
    expect(new Set(files.map(({ masterKeys }) => masterKeys[0]?.id)).size).toBe(1);
    expect(files.filter(({ created }) => created)).toHaveLength(1);
    expect(await readdir(join(folder, "data"))).toEqual(["development.key"]);
  });

  it.runIf(process.platform !== "win32").each([0o640, 0o604, 0o620, 0o666])(
    "is refused with permissions %o",
    async (mode) => {
      await openDevelopmentKeyFile(path);
      await chmod(path, mode);
      await expect(openDevelopmentKeyFile(path)).rejects.toMatchObject({
        code: "record_unreadable",
        message: expect.stringContaining("chmod 600"),
      });
    },
  );

  it.each(["", "\n", "half a key", "a:AAAA"])("is refused, and not replaced, when it holds %j", async (text) => {
    await openDevelopmentKeyFile(path);
    await writeFile(path, text);
    await expect(openDevelopmentKeyFile(path)).rejects.toMatchObject({ code: "record_unreadable" });
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it("fails where the folder cannot be made", async () => {
    await writeFile(join(folder, "data"), "a file");
    await expect(openDevelopmentKeyFile(path)).rejects.toThrow();
  });
});
