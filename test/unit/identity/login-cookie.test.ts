import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { endedCookie, loginCookie, loginTokenOf, type SameSite } from "../../../src/identity/login-cookie.ts";

const TOKEN = Buffer.alloc(32, 7).toString("base64url");

/** As RFC 6265 §5.2 takes a `Set-Cookie` apart. */
function parseSetCookie(text: string): { pair: string; attributes: Record<string, string> } {
  const [pair = "", ...rest] = text.split(";").map((part) => part.trim());
  const attributes = rest.map((part) => {
    const [name = "", value = ""] = part.split("=");
    return [name.toLowerCase(), value] as const;
  });
  return { pair, attributes: Object.fromEntries(attributes) };
}

describe("the cookie of a login", () => {
  it.each<[SameSite, string]>([
    ["strict", "Strict"],
    ["lax", "Lax"],
    ["none", "None"],
  ])("has the attributes that its prefix demands, with SameSite %s", (sameSite, written) => {
    const common = { path: "/", secure: "", httponly: "", samesite: written };
    expect(parseSetCookie(loginCookie(TOKEN, sameSite))).toEqual({
      pair: `__Host-stategate=${TOKEN}`,
      attributes: common,
    });
    expect(parseSetCookie(endedCookie(sameSite))).toEqual({
      pair: "__Host-stategate=",
      attributes: { ...common, "max-age": "0" },
    });
  });

  it("is found among others, whatever stands around it", () => {
    const others = fc.array(fc.stringMatching(/^[a-z]{1,8}=[\w=-]{0,12}$/), { maxLength: 5 });
    fc.assert(
      fc.property(others, others, (before, after) => {
        const cookie = [...before, `__Host-stategate=${TOKEN}`, ...after].join("; ");
        expect(loginTokenOf({ cookie })).toBe(TOKEN);
        expect(loginTokenOf({ cookie: [...before, ...after].join("; ") })).toBeUndefined();
      }),
    );
  });

  it("is one token or nothing: no header makes it anything else", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `__Host-stategate=${text}`),
        ),
        (cookie) => {
          expect(loginTokenOf({ cookie }) ?? "").toMatch(/^(?:[\w-]{43})?$/);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["two of them", `__Host-stategate=${TOKEN}; __Host-stategate=${TOKEN}`],
    ["a short one", `__Host-stategate=${TOKEN.slice(1)}`],
    ["a long one", `__Host-stategate=${TOKEN}x`],
    ["an empty one", "__Host-stategate="],
  ])("is not taken from %s", (_, cookie) => {
    expect(loginTokenOf({ cookie })).toBe("");
  });

  it.each(["stategate", "__Secure-stategate", "__host-stategate", "x__Host-stategate"])(
    "is none under the name %s",
    (name) => {
      expect(loginTokenOf({ cookie: `${name}=${TOKEN}` })).toBeUndefined();
    },
  );
});
