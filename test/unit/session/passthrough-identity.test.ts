import { createSecretKey } from "node:crypto";

import { describe, expect, it } from "vitest";

import { createKeyedHash } from "../../../src/sealing/create-keyed-hash.ts";
import { createPassthroughIdentity } from "../../../src/session/passthrough-identity.ts";

const keyedHash = createKeyedHash(createSecretKey(Buffer.alloc(32, 7)));
const identity = (options: { allowPlaceholders?: boolean; userFromBody?: boolean } = {}) =>
  createPassthroughIdentity({ keyedHash, allowPlaceholders: false, userFromBody: false, ...options });
const owner = (headers: Record<string, string>, bodyUser?: string): string =>
  identity().resolve(headers, bodyUser).owner;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe("who a caller is, by his upstream credential", () => {
  it("is the same for the same key, whatever the scheme's case or the header it came in", () => {
    expect(owner({ authorization: "bearer sk-real-1" })).toBe(owner(bearer("sk-real-1")));
    expect(owner({ "api-key": "sk-real-1" })).toBe(owner(bearer("sk-real-1")));
  });

  it("differs for another key and for another user of the same key", () => {
    const owners = [
      owner(bearer("sk-real-1")),
      owner(bearer("sk-real-2")),
      owner({ ...bearer("sk-real-1"), "x-user-id": "ada" }),
      owner({ ...bearer("sk-real-1"), "x-user-id": "bob" }),
    ];
    expect(new Set(owners).size).toBe(4);
  });

  it("never reveals the key or the user", () => {
    expect(owner({ ...bearer("sk-real-1"), "x-user-id": "ada" })).toMatch(/^[\w-]{43}$/);
  });

  it("is nobody without a credential", () => {
    expect(() => owner({})).toThrow(expect.objectContaining({ code: "credential_missing" }));
    expect(() => owner({ "x-user-id": "ada" })).toThrow(expect.objectContaining({ code: "credential_missing" }));
    for (const authorization of ["Bearer", "bearer ", "Bearer   "]) {
      expect(() => owner({ authorization })).toThrow(expect.objectContaining({ code: "credential_missing" }));
    }
  });

  it.each(["EMPTY", "ollama", "sk-xxx", "sk-XXXXXXXX", "none", "dummy"])(
    "is not the placeholder %j that many strangers use, unless nobody else can reach the gateway",
    (key) => {
      const headers = bearer(key);
      expect(() => owner(headers)).toThrow(expect.objectContaining({ code: "credential_placeholder" }));
      expect(identity({ allowPlaceholders: true }).resolve(headers).owner).toBeTypeOf("string");
    },
  );

  it.each(["", "a\u0000b", "a\nb", "x".repeat(257)])("refuses the user id %j", (user) => {
    expect(() => owner({ ...bearer("sk-real-1"), "x-user-id": user })).toThrow(
      expect.objectContaining({ code: "invalid_user_id" }),
    );
  });

  it("believes the body's user only where the configuration says so", () => {
    const headers = bearer("sk-real-1");
    expect(owner(headers, "ada")).toBe(owner(headers));
    const believing = identity({ userFromBody: true });
    expect(believing.resolve(headers, "ada").owner).toBe(owner({ ...headers, "x-user-id": "ada" }));
    expect(believing.resolve({ ...headers, "x-user-id": "bob" }, "ada").owner).toBe(
      owner({ ...headers, "x-user-id": "bob" }),
    );
  });
});
