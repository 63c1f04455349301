import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import manifest from "../../package.json" with { type: "json" };
import { configSchema } from "../../src/config/config-schema.ts";
import { schemaLeaves } from "../../src/config/schema-leaves.ts";
import { renderErrorPage } from "../../tools/render-error-page.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(root + path, "utf8");

/** The formatter pads the cells of a table. */
const withoutPadding = (markdown: string): string => markdown.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");

describe("the documentation", () => {
  it("docs/errors.md is the catalogue: run `npm run docs:errors`", () => {
    expect(withoutPadding(read("docs/errors.md"))).toBe(withoutPadding(renderErrorPage()));
  });

  it("gives a reason for every runtime dependency, and for no other package", () => {
    const page = read("docs/decisions/2026-11-24-runtime-dependencies.md");
    const reasons = [...page.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name);
    expect(reasons.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
  });

  it.each(["docs/operations.md", "docs/requirements.md", "docs/security.md"])(
    "%s names files that are there",
    (page) => {
      const named = [...read(page).matchAll(/`((?:src|test|docs|bench|tools|config)\/[\w./-]+)`/g)].map(
        ([, path = ""]) => path,
      );
      expect(named.filter((path) => !existsSync(root + path))).toEqual([]);
    },
  );

  it("docs/requirements.md names a test beside everything that is here", () => {
    const rows = read("docs/requirements.md")
      .split("\n")
      .filter((line) => /^\| (?!asked for|-)/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((row) => !row.includes("not in this version") && !row.includes("`test/"))).toEqual([]);
  });

  it("names the version of the package in the changelog", () => {
    expect(read("CHANGELOG.md")).toContain(`## ${manifest.version}`);
  });
});

describe("the configuration", () => {
  const sources = globSync("src/**/*.ts", { cwd: root, exclude: (path) => path === "src/config" })
    .map(read)
    .join("\n");
  /** Accepted without a reader, and why. */
  const unread: Readonly<Record<string, string>> = {
    production: "a rule of the configuration itself",
    "identity.adminKey": "the documented variable must not stop a gateway without /admin",
  };

  it("has no key that nothing reads", () => {
    const keys = schemaLeaves(configSchema).map(({ path }) => path.join("."));
    const isRead = (key: string): boolean => new RegExp(`\\b${key.split(".").at(-1)}\\b`).test(sources);
    expect(keys.filter((key) => !isRead(key) && !(key in unread))).toEqual([]);
  });
});

describe("the files of the project", () => {
  // Protected settings are read from the command line, so a checkout that another user owns can be listed too.
  const tracked = execFileSync("git", ["-c", "safe.directory=*", "ls-files", "-z"], { cwd: root, encoding: "utf8" })
    .split("\0")
    // An image has places of its own.
    .filter((path) => path !== "" && path !== "Dockerfile");
  const places = /(?<![\w.$}])\/(?:home|root|Users|work)\/|\.\.\/shared\b/;

  it("are seen", () => expect(tracked).toEqual(expect.arrayContaining(["package.json", "src/main.ts"])));

  it("name no place of one machine", () => {
    const naming = tracked.filter((path) => !isGone(path) && places.test(read(path)));
    expect(naming).toEqual([]);
  });

  it.each(["home", "root", "work", "Users"])("a path below /%s would be noticed", (folder) => {
    expect(`cwd: "/${folder}/ada"`).toMatch(places);
  });

  /** Deleted, and not committed yet. */
  function isGone(path: string): boolean {
    try {
      read(path);
      return false;
    } catch {
      return true;
    }
  }
});
