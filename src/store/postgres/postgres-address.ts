import type { PoolConfig } from "pg";

/** Each of them is checked as strictly as `verify-full`; the driver says today that its next version will not. */
const CHECKED_MODES = new Set(["prefer", "require", "verify-ca"]);
/** A server accepts 100 unless told otherwise, and replicas share it. */
const MAX_CONNECTIONS = "10";

/**
 * What the driver makes of `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE&max=10`.
 * @throws TypeError that repeats nothing of the address: it may hold a password
 */
export function parsePostgresAddress(address: string): PoolConfig {
  if (!/^postgres(?:ql)?:\/\//i.test(address) || !URL.canParse(address)) {
    throw new TypeError("store postgres: needs a URL, as in postgres://user@host:5432/database");
  }
  const url = new URL(address);
  const max = url.searchParams.get("max") ?? MAX_CONNECTIONS;
  if (!/^[1-9]\d{0,3}$/.test(max))
    throw new TypeError("store postgres: max is how many connections a gateway may open");
  url.searchParams.delete("max");
  const mode = url.searchParams.get("sslmode");
  if (mode !== null && CHECKED_MODES.has(mode) && !url.searchParams.has("uselibpqcompat")) {
    url.searchParams.set("sslmode", "verify-full");
  }
  return { connectionString: url.href, max: Number(max), application_name: "stategate" };
}
