import type { IncomingHttpHeaders } from "node:http";

/** `__Host-`: the browser takes it over TLS only, for this host alone and every path of it (RFC 6265bis §4.1.3.2). */
const COOKIE = "__Host-stategate";

export type SameSite = "strict" | "lax" | "none";

/** The token of the browser's login; `undefined` without one, "" for something that cannot be one. */
export function loginTokenOf({ cookie = "" }: IncomingHttpHeaders): string | undefined {
  const values = cookie.split(";").flatMap((pair) => {
    const [name = "", ...value] = pair.split("=");
    return name.trim() === COOKIE ? [value.join("=").trim()] : [];
  });
  const [token] = values;
  if (token === undefined) return undefined;
  // Of two, one was planted: nobody can say which.
  return values.length === 1 && /^[\w-]{43}$/.test(token) ? token : "";
}

export const loginCookie = (token: string, sameSite: SameSite): string => `${COOKIE}=${token}${attributes(sameSite)}`;

export const endedCookie = (sameSite: SameSite): string => `${COOKIE}=${attributes(sameSite)}; Max-Age=0`;

const attributes = (sameSite: SameSite): string =>
  `; Path=/; Secure; HttpOnly; SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`;
