import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], testTimeout = 20_000) => ({
  test: { name, include, testTimeout, hookTimeout: 30_000, pool: "forks" as const },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project("architecture", ["test/architecture/**/*.test.ts"]),
      project("unit", ["test/unit/**/*.test.ts"], 60_000),
      project("http", ["test/http/**/*.test.ts"], 60_000),
      project("integration", ["test/integration/**/*.test.ts"], 120_000),
      project("chaos", ["test/chaos/**/*.test.ts"], 300_000),
      project("security", ["test/security/**/*.test.ts"], 300_000),
    ],
  },
});
