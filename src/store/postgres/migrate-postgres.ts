import pg from "pg";

import { GatewayError } from "../../errors/gateway-error.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { type Migration, migrations } from "./migrations.ts";
import { parsePostgresAddress } from "./postgres-address.ts";
import { postgresUnavailable } from "./postgres-client.ts";

/** Whoever migrates one database holds this. Any number would do that nobody else uses. */
const MIGRATION_LOCK = "6002237829452387668";
const CONNECT_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings the schema up to this release and resolves to the names of what was done. Several at once wait for each other.
 * Rejects with `store_unavailable`; then nothing was done.
 */
export async function migratePostgres(address: string): Promise<readonly string[]> {
  // It may take long where much is stored: the operator looks on.
  return withClient({ address, queryTimeoutMs: 0 }, (client) => inTransaction(client, applyMissing));
}

/**
 * Creates the schema where there is none.
 * @throws GatewayError `store_unavailable` for another version's: changing it is for the operator to decide
 */
export async function preparePostgres(address: string): Promise<void> {
  await withClient({ address, queryTimeoutMs: LOCK_TIMEOUT_MS }, async (client) => {
    if ((await versionOf(client)) === 0) await inTransaction(client, createIfMissing);
    const version = await versionOf(client);
    if (version < migrations.length) {
      throw storeUnavailable(
        `the database has schema ${version}, this release needs ${migrations.length}: run \`stategate store migrate\``,
      );
    }
    assertNotNewer(version);
  });
}

type Work<T> = (client: pg.Client) => Promise<T>;

const createIfMissing: Work<readonly string[]> = async (client) =>
  (await versionOf(client)) === 0 ? applyMissing(client) : [];

const applyMissing: Work<readonly string[]> = async (client) => {
  const version = await versionOf(client);
  assertNotNewer(version);
  const missing = migrations.slice(version);
  for (const [index, migration] of missing.entries()) await apply(client, version + index + 1, migration);
  return missing.map(({ name }) => name);
};

async function apply(client: pg.Client, number: number, { name, sql }: Migration): Promise<void> {
  if (number === 1) await createSchema(client);
  await client.query(sql);
  await client.query("INSERT INTO stategate.migrations (number, name) VALUES ($1, $2)", [number, name]);
}

/** An operator may have made the schema for a role that must not make one: `IF NOT EXISTS` would ask for the right. */
async function createSchema(client: pg.Client): Promise<void> {
  const { rows } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = 'stategate'");
  if (rows.length === 0) await client.query("CREATE SCHEMA stategate");
  await client.query(
    "CREATE TABLE stategate.migrations (number int PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now())",
  );
}

/** 0 for a database that holds nothing of ours. */
async function versionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ found: boolean }>(
    "SELECT to_regclass('stategate.migrations') IS NOT NULL AS found",
  );
  if (rows[0]?.found !== true) return 0;
  const last = await client.query<{ number: number }>("SELECT max(number) AS number FROM stategate.migrations");
  return last.rows[0]?.number ?? 0;
}

function assertNotNewer(version: number): void {
  if (version > migrations.length) {
    throw storeUnavailable(
      `the database has schema ${version}, newer than this release, which knows ${migrations.length}`,
    );
  }
}

async function inTransaction<T>(client: pg.Client, work: Work<T>): Promise<T> {
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`,
  );
  // What fails takes the connection with it, and that rolls back.
  const result = await work(client);
  await client.query("COMMIT");
  return result;
}

async function withClient<T>(
  { address, queryTimeoutMs }: { readonly address: string; readonly queryTimeoutMs: number },
  work: Work<T>,
): Promise<T> {
  const client = new pg.Client({
    ...parsePostgresAddress(address),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  });
  // A connection that breaks between two statements fails the next one.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : postgresUnavailable(cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}
