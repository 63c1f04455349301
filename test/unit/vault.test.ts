import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { loadConfig } from "../../src/config/load-config.ts";
import type { StoreBackend } from "../../src/store/store-backend.ts";
import { openVault } from "../../src/vault.ts";
import { createRecordedLog } from "../support/store-log.ts";
import { createTempFolder, type TempFolder } from "../support/store-temp-folder.ts";

const opened = vi.hoisted((): StoreBackend[] => []);
vi.mock("../../src/store/open-store.ts", async (original) => {
  const real = await original<typeof import("../../src/store/open-store.ts")>();
  const openStore: typeof real.openStore = async (...parts) => {
    const store = await real.openStore(...parts);
    opened.push(store);
    return store;
  };
  return { ...real, openStore };
});

let folder: TempFolder;
beforeEach(async () => {
  folder = await createTempFolder();
});
afterEach(() => folder.remove());

const openWith = (masterKey: string) => {
  const env = { STATEGATE_STORE: `sqlite:${join(folder.path, "stategate.db")}`, STATEGATE_MASTER_KEYS: masterKey };
  return openVault(loadConfig({ env, cwd: folder.path }), { log: createRecordedLog().log, clock: Date.now });
};
const masterKey = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`;

describe("a vault", () => {
  it("that its master keys do not open leaves no store open behind it", async () => {
    const right = await openWith(masterKey("right"));
    await right.close();
    await expect(openWith(masterKey("wrong"))).rejects.toMatchObject({ code: "record_unreadable" });
    expect(opened).toHaveLength(2);
    await expect(opened[1]?.records.read("root-secret")).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
