import { describe, expect, it } from "vitest";

import { parseTurnHeaders } from "../../../src/http/turn-headers.ts";

describe("directions by header", () => {
  it("are these when there are none", () => {
    expect(parseTurnHeaders({})).toEqual({
      mode: "auto",
      strategy: undefined,
      record: true,
      idempotencyKey: undefined,
      tries: undefined,
    });
  });

  it("are read whatever their case", () => {
    expect(
      parseTurnHeaders({
        "x-history-mode": "Replay",
        "x-history-strategy": "WINDOW",
        "x-session-record": "OFF",
        "idempotency-key": "Key",
        "x-stainless-retry-count": "2",
      }),
    ).toEqual({ mode: "replay", strategy: "window", record: false, idempotencyKey: "Key", tries: 2 });
  });

  it.each([
    ["x-history-mode", "X-History-Mode", "auto, delta, replay, off"],
    ["x-history-strategy", "X-History-Strategy", "full, window, summary, semantic, hybrid"],
    ["x-session-record", "X-Session-Record", "on, off"],
  ])("refuse an unknown %s and say what is known", (header, name, known) => {
    for (const value of ["", "unknown", "constructor"]) {
      expect(() => parseTurnHeaders({ [header]: value })).toThrow(
        expect.objectContaining({
          code: "invalid_header",
          param: name,
          publicMessage: `${name} must be one of ${known}.`,
        }),
      );
    }
  });

  it("take a key of 1 to 255 characters", () => {
    expect(parseTurnHeaders({ "idempotency-key": "k".repeat(255) }).idempotencyKey).toHaveLength(255);
    for (const key of ["", "k".repeat(256)]) {
      expect(() => parseTurnHeaders({ "idempotency-key": key })).toThrow(
        expect.objectContaining({ code: "invalid_header" }),
      );
    }
  });

  it.each(["-1", "1.5", "x", "", "Infinity"])("count no tries by %j", (count) => {
    expect(parseTurnHeaders({ "x-stainless-retry-count": count }).tries).toBe(0);
  });
});
