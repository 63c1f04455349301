import { describe, expect, it } from "vitest";

import { mintSessionId, parseSessionId, requestedSession } from "../../../src/session/session-id.ts";

describe("session ids", () => {
  it.each(["a", "~!{}", "chat-1", "x".repeat(128)])("accepts %s", (id) => {
    expect(parseSessionId(id)).toBe(id);
  });

  it.each(["", "x".repeat(129), "two words", "line\n", "tab\t", "é", "\u007f", "a\u0000"])("refuses %j", (id) => {
    expect(() => parseSessionId(id)).toThrow(expect.objectContaining({ code: "invalid_session_id" }));
  });

  it("mints 256 bits that are valid session ids and never the same", () => {
    const minted = Array.from({ length: 100 }, () => mintSessionId("token"));
    for (const id of minted) {
      expect(Buffer.from(id, "base64url")).toHaveLength(32);
      expect(parseSessionId(id)).toBe(id);
    }
    expect(new Set(minted).size).toBe(100);
  });

  it("mints version 4 UUIDs where they are asked for", () => {
    for (const entropy of [undefined, Buffer.alloc(32, 0xff), Buffer.alloc(32)]) {
      const id = mintSessionId("uuid4", entropy);
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    }
    expect(mintSessionId("uuid4")).not.toBe(mintSessionId("uuid4"));
  });

  it.each(["token", "uuid4"] as const)("makes the same %s of the same entropy", (format) => {
    const entropy = Buffer.alloc(32, 7);
    expect(mintSessionId(format, entropy)).toBe(mintSessionId(format, entropy));
  });

  it("mints an id for a client that asks for a new session, and takes any other at its word", () => {
    expect(requestedSession("chat-1", "token")).toEqual({ sessionId: "chat-1", minted: false });
    const { sessionId, minted } = requestedSession("new", "token");
    expect(minted).toBe(true);
    expect(sessionId).toHaveLength(43);
    expect(() => requestedSession("not valid", "token")).toThrow(
      expect.objectContaining({ code: "invalid_session_id" }),
    );
  });
});
