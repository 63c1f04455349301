import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { checkLayers } from "./check-layers.ts";
import { contracts, doors, places } from "./layer-table.ts";

const root = fileURLToPath(new URL("../../src/", import.meta.url));
const paths = globSync("**/*.{ts,tsx,mts,cts,js,mjs,cjs}", { cwd: root }).map((path) => path.replaceAll("\\", "/"));
const sources = new Map(paths.map((path) => [path, readFileSync(root + path, "utf8")]));

describe("who imports whom in src", () => {
  it("sees the whole house", () => {
    expect(sources.size).toBeGreaterThan(100);
    expect([...sources.keys()]).toEqual(expect.arrayContaining(["main.ts", "gateway.ts", "turn/run-turn.ts"]));
  });

  it("is as the table says", () => expect(checkLayers(sources)).toEqual([]));
});

describe("the table", () => {
  const folders = new Set(paths.map((path) => path.replace(/[^/]*$/, "")));
  const exists = (place: string): boolean => (place.endsWith("/") ? folders.has(place) : sources.has(place));
  const rows = Object.entries(places).flatMap(([place, { mayImport }]) => [place, ...mayImport]);

  it("names nothing that is gone", () => {
    expect([...new Set([...rows, ...contracts])].filter((place) => !exists(place))).toEqual([]);
  });

  it("has no door that nobody uses", () => {
    const text = [...sources.values()].join("\n");
    expect(Object.keys(doors).filter((name) => !text.includes(`"${name}`))).toEqual([]);
  });
});
