import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { LeaseStore } from "../lease-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import type { VectorSpace } from "../vector-store.ts";
import { preparePostgres, preparePostgresVectors } from "./migrate-postgres.ts";
import { createPostgresAuditStore } from "./postgres-audit-store.ts";
import { createPostgresClient, type PostgresClient } from "./postgres-client.ts";
import { createPostgresNoticeStore } from "./postgres-notice-store.ts";
import { createPostgresQuotaStore } from "./postgres-quota-store.ts";
import { createPostgresRecordStore } from "./postgres-record-store.ts";
import { createPostgresSessionStore } from "./postgres-session-store.ts";
import { createPostgresVectorStore } from "./postgres-vector-store.ts";
import { serverTimeMs } from "./server-time.ts";
import { sweepExpired } from "./sweep-expired.ts";

const SWEEP_EVERY_MS = 60_000;

export interface PostgresBackendOptions {
  /** `postgres://` or `postgresql://`. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
  /** After this a call rejects, whether it waited for a connection or for an answer. */
  readonly commandTimeoutMs: number;
  /** Given where vectors are to be held, which needs pgvector. */
  readonly vectors?: VectorSpace | undefined;
}

/**
 * Many gateways, one PostgreSQL; what is acknowledged is as durable as the server commits, and the log says when that is
 * not to disk. An empty database gets its schema now. Rejects with `store_unavailable` when the server cannot be reached,
 * or when the schema is not this release's, which is for `stategate store migrate`.
 */
export async function openPostgresBackend(options: PostgresBackendOptions): Promise<StoreBackend> {
  const { address, clock, log, vectors } = options;
  await preparePostgres(address);
  if (vectors) await preparePostgresVectors(address, vectors.dimensions);
  const client = createPostgresClient(options);
  await warnOfRisks(client, log).catch(async (cause: unknown) => {
    await client.close();
    throw cause;
  });
  const stopSweeping = sweepNowAndThen(client, clock, log);
  return {
    sessions: createPostgresSessionStore(client, clock),
    records: createPostgresRecordStore(client, clock),
    leases: createPostgresLeaseStore(client),
    quotas: createPostgresQuotaStore(client, clock),
    notices: createPostgresNoticeStore(client, clock),
    audit: createPostgresAuditStore(client),
    vectors: vectors && createPostgresVectorStore(client, clock, vectors.model),
    async ping() {
      await client.run(statements.ping);
    },
    close() {
      stopSweeping();
      return client.close();
    },
  };
}

/** Leases run by the server's clock, the one that all replicas share. */
function createPostgresLeaseStore({ run }: PostgresClient): LeaseStore {
  return {
    async acquire(name, holder, ttlMs) {
      return (await run(statements.acquire, [Buffer.from(name), Buffer.from(holder), ttlMs])).length === 1;
    },
    async release(name, holder) {
      await run(statements.release, [Buffer.from(name), Buffer.from(holder)]);
    },
  };
}

async function warnOfRisks(client: PostgresClient, log: Log): Promise<void> {
  const [settings = {}] = await client.run(statements.settings);
  const off = ["fsync", "synchronous_commit"].filter((setting) => settings[setting] === "off");
  if (off.length > 0) log.warn({ off }, "postgres_commits_may_be_lost");
}

function sweepNowAndThen(client: PostgresClient, clock: Clock, log: Log): () => void {
  const timer = setInterval(() => {
    sweepExpired(client, clock()).catch((error: unknown) =>
      log.warn({ error: String(error) }, "postgres_sweep_failed"),
    );
  }, SWEEP_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

const statements = {
  ping: { name: "ping", text: "SELECT number FROM stategate.last_notice" },
  settings: {
    name: "settings",
    text: `
      SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit`,
  },
  acquire: {
    name: "lease-acquire",
    text: `
      INSERT INTO stategate.leases AS lease (name, holder, until) VALUES ($1, $2, ${serverTimeMs} + $3)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE lease.until <= ${serverTimeMs}
      RETURNING 1`,
  },
  release: { name: "lease-release", text: "DELETE FROM stategate.leases WHERE name = $1 AND holder = $2" },
};
