import type { ClientConfig } from "pg";

/** Each of them is checked as strictly as `verify-full`; the driver says today that its next version will not. */
const CHECKED_MODES = new Set(["prefer", "require", "verify-ca"]);

/**
 * What the driver makes of `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE`.
 * @throws TypeError that repeats nothing of the address: it may hold a password
 */
export function parsePostgresAddress(address: string): ClientConfig {
  if (!/^postgres(?:ql)?:\/\//i.test(address) || !URL.canParse(address)) {
    throw new TypeError("store postgres: needs a URL, as in postgres://user@host:5432/database");
  }
  const url = new URL(address);
  const mode = url.searchParams.get("sslmode");
  if (mode !== null && CHECKED_MODES.has(mode) && !url.searchParams.has("uselibpqcompat")) {
    url.searchParams.set("sslmode", "verify-full");
  }
  return { connectionString: url.href, application_name: "stategate" };
}
