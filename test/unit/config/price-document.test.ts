import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, it } from "vitest";

import { loadConfig } from "../../../src/config/load-config.ts";
import { readPriceDocument } from "../../../src/config/price-document.ts";

const folder = mkdtempSync(join(tmpdir(), "stategate-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

it("reads the document a price file holds", async () => {
  expect(await readPriceDocument(write("prices.json", '{"models":{}}'))).toEqual({ models: {} });
});

it("names a price file that is missing or no JSON", async () => {
  await expect(readPriceDocument(join(folder, "gone.json"))).rejects.toThrow(
    /prices\.file: .*gone\.json cannot be read/,
  );
  await expect(readPriceDocument(write("broken.json", "{"))).rejects.toThrow(
    /prices\.file: .*broken\.json is not JSON/,
  );
});

it("reads the configuration from the disk", () => {
  write("gateway.config.yaml", "http:\n  port: 9999\n");
  expect(loadConfig({ env: {}, cwd: folder }).http.port).toBe(9999);
  expect(loadConfig({ env: {}, cwd: join(folder, "elsewhere") }).http.port).toBe(8787);
});
