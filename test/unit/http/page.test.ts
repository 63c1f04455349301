import { describe, expect, it } from "vitest";

import { parsePage } from "../../../src/http/page.ts";

describe("paging", () => {
  it("has OpenAI's defaults", () => {
    expect(parsePage({}, "desc")).toEqual({ limit: 20, order: "desc", after: undefined });
    expect(parsePage({}, "asc").order).toBe("asc");
  });

  it("takes limits from 1 to 100, both orders and any cursor", () => {
    expect(parsePage({ limit: "1", order: "asc", after: "x y" }, "desc")).toEqual({
      limit: 1,
      order: "asc",
      after: "x y",
    });
    expect(parsePage({ limit: "100" }, "desc").limit).toBe(100);
  });

  it.each([
    ["limit", "0"],
    ["limit", "101"],
    ["limit", "-1"],
    ["limit", "1.5"],
    ["limit", ""],
    ["limit", " 5"],
    ["limit", "0x10"],
    ["limit", "1e1"],
    ["limit", "NaN"],
    ["limit", "Infinity"],
    ["order", ""],
    ["order", "ASC"],
    ["order", "up"],
  ])("refuses %s=%j by name", (param, value) => {
    expect(() => parsePage({ [param]: value }, "desc")).toThrow(
      expect.objectContaining({ code: "invalid_parameter", param }),
    );
  });
});
