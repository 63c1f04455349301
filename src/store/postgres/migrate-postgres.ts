import pg from "pg";

import { GatewayError } from "../../errors/gateway-error.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { type Migration, migrations } from "./migrations.ts";
import { parsePostgresAddress } from "./postgres-address.ts";
import { postgresUnavailable } from "./postgres-client.ts";
import { prepareVectors } from "./prepare-vectors.ts";

/** Whoever migrates one database holds this. Any number would do that nobody else uses. */
const MIGRATION_LOCK = "6002237829452387668";
const CONNECT_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings the schema up to this release and resolves to the names of what was done. Several at once wait for each other.
 * Rejects with `store_unavailable`; then nothing was done.
 */
export async function migratePostgres(address: string, known = migrations): Promise<readonly string[]> {
  // It may take long where much is stored: the operator looks on.
  return withClient({ address, queryTimeoutMs: 0 }, (client) =>
    inTransaction(client, () => applyMissing(client, known)),
  );
}

/**
 * Creates the schema where there is none.
 * @throws GatewayError `store_unavailable` for another version's: changing it is for the operator to decide
 */
export async function preparePostgres(address: string, known = migrations): Promise<void> {
  await withClient({ address, queryTimeoutMs: LOCK_TIMEOUT_MS }, async (client) => {
    if ((await versionOf(client)) === 0) await inTransaction(client, () => createIfMissing(client, known));
    const version = await versionOf(client);
    assertNotNewer(version, known);
    if (version === known.length) return;
    const reason = `the database has schema ${version}, this release needs ${known.length}`;
    throw storeUnavailable(`${reason}: run \`stategate store migrate\``);
  });
}

/** The same for vectors of a length. Rejects with `store_unavailable` also where the server cannot hold them. */
export async function preparePostgresVectors(address: string, dimensions: number): Promise<void> {
  await withClient({ address, queryTimeoutMs: LOCK_TIMEOUT_MS }, (client) =>
    inTransaction(client, () => prepareVectors(client, dimensions)),
  );
}

type Migrations = readonly Migration[];

/** Who waited for the lock finds the schema there. */
async function createIfMissing(client: pg.Client, known: Migrations): Promise<void> {
  if ((await versionOf(client)) === 0) await applyMissing(client, known);
}

async function applyMissing(client: pg.Client, known: Migrations): Promise<readonly string[]> {
  const version = await versionOf(client);
  assertNotNewer(version, known);
  const missing = known.slice(version);
  for (const [index, migration] of missing.entries()) await apply(client, version + index + 1, migration);
  return missing.map(({ name }) => name);
}

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

/** 0 for a database that holds nothing of ours. `to_regclass` would not see what was made while we waited for the lock. */
async function versionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ found: boolean }>(
    "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'stategate' AND tablename = 'migrations') AS found",
  );
  if (rows[0]?.found !== true) return 0;
  const last = await client.query<{ number: number }>("SELECT max(number) AS number FROM stategate.migrations");
  return last.rows[0]?.number ?? 0;
}

function assertNotNewer(version: number, known: Migrations): void {
  if (version <= known.length) return;
  throw storeUnavailable(`the database has schema ${version}, newer than this release, which knows ${known.length}`);
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`,
  );
  // What fails takes the connection with it, and that rolls back.
  const result = await work();
  await client.query("COMMIT");
  return result;
}

async function withClient<T>(
  { address, queryTimeoutMs }: { readonly address: string; readonly queryTimeoutMs: number },
  work: (client: pg.Client) => Promise<T>,
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
