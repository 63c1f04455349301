import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Packages = Readonly<Record<string, LockedPackage>>;

/** Where Node would find `name` from the package at `path`. */
function resolveFrom(packages: Packages, path: string, name: string): LockedPackage | undefined {
  const found = packages[`${path}${path && "/"}node_modules/${name}`];
  if (found || path === "") return found;
  return resolveFrom(packages, path.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, ""), name);
}

function missing(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.entries({ ...dependencies, ...optionalDependencies })
      .filter(([name, range]) => {
        const version = resolveFrom(packages, path, name)?.version;
        return version === undefined || (/^\d+\.\d+\.\d+/.test(range) && version !== range);
      })
      .map(([name, range]) => `${name}@${range}`),
  );
}

// A registry that lacks a tool's binary for some other platform makes `npm install` leave it out of the lock file without
// a word, and every `npm ci` after that refuses the file.
it("package-lock.json holds every package for every platform, or `npm ci` fails", () => {
  const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
  const { packages } = JSON.parse(text) as { packages: Packages };
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(missing(packages)).toEqual([]);
});

it("a package that is missing, or of another version, would be noticed", () => {
  const packages = {
    "": { dependencies: { a: "^1.0.0" } },
    "node_modules/a": { version: "1.0.1", optionalDependencies: { "@a/linux": "1.0.1", "@a/darwin": "1.0.1" } },
    "node_modules/@a/linux": { version: "1.0.0" },
    "node_modules/a/node_modules/b": { version: "1.0.0", dependencies: { a: "^1.0.0" } },
  };
  expect(missing(packages)).toEqual(["@a/linux@1.0.1", "@a/darwin@1.0.1"]);
});
