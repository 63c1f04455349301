import { createSecretKey } from "node:crypto";

import { describe, expect, it } from "vitest";

import { createPassthroughIdentity } from "../../../src/identity/passthrough-identity.ts";
import { createTenantBook } from "../../../src/identity/tenant-book.ts";
import { createKeyedHash } from "../../../src/sealing/create-keyed-hash.ts";
import type { Upstream } from "../../../src/upstream/upstream.ts";

const keyedHash = createKeyedHash(createSecretKey(Buffer.alloc(32, 7)));
const unasked: Upstream = {
  send: () => expect.unreachable("no upstream is asked who a caller is"),
  checkCredential: async () => expect.unreachable("no upstream is asked who a caller is"),
  ping: async () => undefined,
  close: async () => undefined,
};
type Headers = Readonly<Record<string, string>>;
async function ownerWith(
  options: { allowPlaceholders?: boolean; userFromBody?: boolean },
  headers: Headers,
  userFromBody?: string,
): Promise<string> {
  const parts = {
    keyedHash,
    upstream: unasked,
    clock: Date.now,
    allowPlaceholders: false,
    userFromBody: false,
    tenants: createTenantBook([]),
    links: { find: () => undefined },
    isShared: false,
  };
  const identity = createPassthroughIdentity({ ...parts, ...options });
  return (await identity.resolve({ method: "GET", headers, address: "127.0.0.1" }, { userFromBody })).owner;
}
const owner = (headers: Headers, userFromBody?: string): Promise<string> => ownerWith({}, headers, userFromBody);
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const refuse = (code: string) => expect.objectContaining({ code });

describe("who a caller is, by his upstream credential", () => {
  it("is the same for the same key, whatever the scheme's case or the header it came in", async () => {
    const one = await owner(bearer("sk-real-1"));
    expect(await owner({ authorization: "bearer sk-real-1" })).toBe(one);
    expect(await owner({ "api-key": "sk-real-1" })).toBe(one);
  });

  it("differs for another key and for another user of the same key", async () => {
    const owners = await Promise.all([
      owner(bearer("sk-real-1")),
      owner(bearer("sk-real-2")),
      owner({ ...bearer("sk-real-1"), "x-user-id": "ada" }),
      owner({ ...bearer("sk-real-1"), "x-user-id": "bob" }),
    ]);
    expect(new Set(owners).size).toBe(4);
  });

  it("never reveals the key or the user", async () => {
    expect(await owner({ ...bearer("sk-real-1"), "x-user-id": "ada" })).toMatch(/^[\w-]{43}$/);
  });

  it("is nobody without a credential", async () => {
    await expect(owner({})).rejects.toThrow(refuse("credential_missing"));
    await expect(owner({ "x-user-id": "ada" })).rejects.toThrow(refuse("credential_missing"));
    for (const authorization of ["Bearer", "bearer ", "Bearer   "]) {
      await expect(owner({ authorization })).rejects.toThrow(refuse("credential_missing"));
    }
  });

  it.each(["EMPTY", "ollama", "sk-xxx", "sk-XXXXXXXX", "none", "dummy"])(
    "is not the placeholder %j that many strangers use, unless nobody else can reach the gateway",
    async (key) => {
      const headers = bearer(key);
      await expect(owner(headers)).rejects.toThrow(refuse("credential_placeholder"));
      expect(await ownerWith({ allowPlaceholders: true }, headers)).toBeTypeOf("string");
    },
  );

  it.each(["", "a\u0000b", "a\nb", "x".repeat(257)])("refuses the user id %j", async (user) => {
    await expect(owner({ ...bearer("sk-real-1"), "x-user-id": user })).rejects.toThrow(refuse("invalid_user_id"));
  });

  it("believes the body's user only where the configuration says so", async () => {
    const headers = bearer("sk-real-1");
    const believing = { userFromBody: true };
    expect(await owner(headers, "ada")).toBe(await owner(headers));
    expect(await ownerWith(believing, headers, "ada")).toBe(await owner({ ...headers, "x-user-id": "ada" }));
    expect(await ownerWith(believing, { ...headers, "x-user-id": "bob" }, "ada")).toBe(
      await owner({ ...headers, "x-user-id": "bob" }),
    );
  });
});
