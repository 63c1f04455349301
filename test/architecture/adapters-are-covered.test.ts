import { globSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

function uncovered(adapters: readonly string[], tests: readonly string[]): string[] {
  const isCalled = (adapter: string): boolean =>
    tests.some((source) => new RegExp(String.raw`^ *describeStoreBackend\("${adapter}",`, "m").test(source));
  return adapters.filter((adapter) => !isCalled(adapter));
}

it("every store adapter runs the conformance suites", () => {
  const adapters = readdirSync(`${root}src/store`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const tests = globSync("test/{unit,integration}/store/*.test.ts", { cwd: root });
  expect(adapters).toEqual(expect.arrayContaining(["memory", "postgres", "redis", "sqlite"]));
  expect(
    uncovered(
      adapters,
      tests.map((path) => readFileSync(root + path, "utf8")),
    ),
  ).toEqual([]);
});

it("an adapter whose call is missing, or commented out, is noticed", () => {
  const tests = ['describeStoreBackend("memory", {});', '// describeStoreBackend("redis", {});'];
  expect(uncovered(["memory", "redis"], tests)).toEqual(["redis"]);
});
