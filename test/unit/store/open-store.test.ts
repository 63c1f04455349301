import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { openStore } from "../../../src/store/open-store.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { createTempFolder } from "../../support/store-temp-folder.ts";

const options = { clock: Date.now, log: createRecordedLog().log };

describe("a store address", () => {
  it("memory: opens a store that keeps nothing", async () => {
    const backend = await openStore("memory:", options);
    await backend.ping();
    await backend.close();
  });

  it("sqlite: opens the file that it names", async () => {
    const folder = await createTempFolder();
    const backend = await openStore(`sqlite:${join(folder.path, "a", "b.db")}`, options);
    await backend.close();
    expect(await readdir(join(folder.path, "a"))).toEqual(["b.db"]);
    await folder.remove();
  });

  it("redis:// leads to a server, and an absent one is store_unavailable", async () => {
    for (const scheme of ["redis", "rediss", "redis+cluster", "rediss+cluster"]) {
      const opening = openStore(`${scheme}://127.0.0.1:1`, options);
      await expect(opening).rejects.toMatchObject({ code: "store_unavailable" });
    }
  });

  it("postgres:// leads to a server, and an absent one is store_unavailable", async () => {
    for (const address of ["postgres://127.0.0.1:1/d", "postgresql://u:p@127.0.0.1:1/d?sslmode=require"]) {
      await expect(openStore(address, options)).rejects.toMatchObject({ code: "store_unavailable" });
    }
  });

  it("dynamodb:// leads to a table, and an absent endpoint is store_unavailable", async () => {
    const address = "dynamodb://eu-central-1/stategate?endpoint=http%3A%2F%2F127.0.0.1%3A1";
    await expect(openStore(address, options)).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("that means nothing is a TypeError, which repeats no password", async () => {
    for (const address of [
      "",
      "mysql://u:hunter2@h",
      "sqlite:",
      "sqlite::memory:",
      "postgres:hunter2",
      "postgres://u:hunter2@[",
      "redis:hunter2",
      "rediss://h:hunter2",
      "redis://u:hunter2@h1,h2",
      "redis+cluster://u:hunter2@h1,h2/1",
      "redis://u:hunter2@h?tlsCa=/ca.pem",
      "rediss://u:hunter2@h?password=hunter2",
      "dynamodb://eu-central-1",
      "dynamodb://eu-central-1/ab",
      "dynamodb://u:hunter2@eu-central-1/table",
      "dynamodb://eu-central-1/table?secret=hunter2",
      "dynamodb://eu-central-1/table?endpoint=file:///hunter2",
      "dynamodb:hunter2",
    ]) {
      const error: unknown = await openStore(address, options).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).not.toContain("hunter2");
    }
  });

  it("loads the driver of its own store only", () => {
    const source = fileURLToPath(new URL("../../../src/store/open-store.ts", import.meta.url));
    const program = `
      import { createRequire } from "node:module";
      const { openStore } = await import(${JSON.stringify(source)});
      const log = { info() {}, warn() {}, error() {} };
      await (await openStore("memory:", { clock: Date.now, log })).close();
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => /ioredis|[/]pg[/]|aws-sdk/.test(path));
      console.log(loaded.length, process.moduleLoadList.includes("NativeModule sqlite"));
    `;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(stdout.trim()).toBe("0 false");
  });
});
