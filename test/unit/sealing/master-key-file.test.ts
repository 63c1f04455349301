import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readConfiguredKeyFile, readMasterKeyFile } from "../../../src/sealing/master-key-file.ts";
import { refused } from "./sealing-fixtures.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stategate-keys-"));
  path = join(folder, "master-keys");
});
afterEach(() => rm(folder, { recursive: true }));

const write = (text: string, mode = 0o600): Promise<void> => writeFile(path, text, { mode });
const [first, second, third] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const entry = (id: string, key: Buffer): string => `${id}:${key.toString("base64")}`;
const read = async () => (await readConfiguredKeyFile(path)).map(({ id, key }) => [id, key.export()]);

describe("a master key file", () => {
  it("holds keys by line or by comma, in order, with comments", async () => {
    await write(
      `# the primary stands first\n\n${entry("c", third)}  # since March\r\n${entry("a", first)},\n   ${entry("b", second)}\n# retired: d\n`,
    );
    const expected = [
      ["c", third],
      ["a", first],
      ["b", second],
    ];
    expect(await read()).toEqual(expected);
    await write(`${entry("c", third)}, ${entry("a", first)},${entry("b", second)}`);
    expect(await read()).toEqual(expected);
  });

  it.runIf(process.platform !== "win32").each([0o640, 0o604, 0o620, 0o666])(
    "is refused with permissions %o",
    async (mode) => {
      await write(entry("a", first));
      await chmod(path, mode);
      expect(await refused(read())).toContain("chmod 600");
    },
  );

  it.each([
    ["nothing", ""],
    ["comments alone", "# a:b\n#\n"],
    ["one id twice", `${entry("a", first)}\n${entry("a", second)}`],
    ["a key commented out in its middle", entry("a", first).replace(/.{20}$/, "#$&")],
    ["a short key", "a:AAAA"],
  ])("is refused with %s, and the message shows the file and no key", async (_name, text) => {
    await write(text);
    const message = await refused(read());
    expect(message).toContain(path);
    expect(message).not.toContain(first.toString("base64").slice(0, 10));
  });

  it("is told from one that is not there, which is a mistake where it was configured", async () => {
    expect(await readMasterKeyFile(path)).toBeUndefined();
    expect(await refused(read())).toContain(path);
  });

  it("is refused in words when it cannot be read", async () => {
    path = folder;
    await chmod(folder, 0o700);
    expect(await refused(read())).toContain("cannot be read: EISDIR");
  });
});
