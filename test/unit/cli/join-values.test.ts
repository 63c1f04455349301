import { parseArgs } from "node:util";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { joinValues } from "../../../src/cli/join-values.ts";

const options = { id: { type: "string" }, file: { type: "string" }, all: { type: "boolean" } } as const;
const read = (...args: readonly string[]) =>
  parseArgs({ args: joinValues(args, options), options, allowPositionals: true });

describe("arguments of a command", () => {
  it("have values that begin with a dash, as one key in 64 does", () => {
    expect(read("--id", "-k3y", "--all").values).toEqual({ id: "-k3y", all: true });
  });

  it("are read as they were meant, whatever the values are", () => {
    const value = fc.string({ unit: fc.constantFrom("-", "=", "i", "d", " ", "_"), minLength: 1 });
    fc.assert(
      fc.property(value, value, (id, file) => {
        fc.pre([id, file].every((text) => !/^--(id(=.*)?)?$/.test(text)));
        expect(read("--id", id, "--all", "--file", file, "a.jsonl")).toMatchObject({
          values: { id, file, all: true },
          positionals: ["a.jsonl"],
        });
      }),
    );
  });

  it("leave a forgotten value forgotten", () => {
    expect(() => read("--id", "--file", "a.jsonl")).toThrow("argument is ambiguous");
    expect(() => read("--id", "--file=a.jsonl")).toThrow("argument is ambiguous");
    expect(() => read("--file", "a.jsonl", "--id")).toThrow("argument missing");
  });

  it("are positional behind two dashes", () => {
    expect(read("--id", "-x", "--", "--file", "-y")).toMatchObject({
      values: { id: "-x" },
      positionals: ["--file", "-y"],
    });
  });
});
