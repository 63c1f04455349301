import pg from "pg";

import type { Log } from "../../kit/log.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { parsePostgresAddress } from "./postgres-address.ts";

/** Prepared once on each connection, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Row = Readonly<Record<string, unknown>>;

type Value = string | number | Buffer | null | readonly (string | number | Buffer | null)[];

export interface PostgresClient {
  /** One statement, one round trip, one transaction. Rejects with `store_unavailable` for whatever goes wrong. */
  run(statement: Statement, values?: readonly Value[]): Promise<Row[]>;
  /** Waits for what runs. Idempotent. */
  close(): Promise<void>;
}

export interface PostgresClientOptions {
  readonly address: string;
  readonly commandTimeoutMs: number;
  readonly log: Log;
}

const IDLE_MS = 60_000;

/** A pool of connections, opened when needed. A connection on which anything failed is not used again. */
export function createPostgresClient(options: PostgresClientOptions): PostgresClient {
  const { address, commandTimeoutMs, log } = options;
  const report = createConnectionReport(log);
  const pool = new pg.Pool({
    ...parsePostgresAddress(address),
    // Also how long a call waits for a free connection.
    connectionTimeoutMillis: commandTimeoutMs,
    // The driver gives up by itself: a server that is frozen, or gone without a word, says nothing.
    query_timeout: commandTimeoutMs,
    // The server gives up too, so that nothing goes on for a caller who has left.
    statement_timeout: commandTimeoutMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    allowExitOnIdle: true,
  });
  pool.on("error", report.failed);
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const end = async (): Promise<void> => {
    await Promise.allSettled(running);
    await pool.end();
  };
  return {
    async run({ name, text }, values = []) {
      if (closing) throw storeUnavailable("the PostgreSQL store is closed");
      const query = pool.query<Record<string, unknown>>({ name, text, values: [...values] });
      running.add(query);
      try {
        const { rows } = await query;
        report.answered();
        return rows;
      } catch (cause) {
        report.failed(cause);
        throw postgresUnavailable(cause);
      } finally {
        running.delete(query);
      }
    },
    close: () => (closing ??= end()),
  };
}

export function postgresUnavailable(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return storeUnavailable(`the PostgreSQL store cannot answer: ${reason}`, cause);
}

interface ConnectionReport {
  failed(cause: unknown): void;
  answered(): void;
}

/** One line when connections break, and one when the server answers again. */
function createConnectionReport(log: Log): ConnectionReport {
  let connected = true;
  return {
    failed(cause) {
      if (!connected || !isLoss(cause)) return;
      connected = false;
      log.warn({ error: cause instanceof Error ? cause.message : String(cause) }, "postgres_disconnected");
    },
    answered() {
      if (!connected) log.info({}, "postgres_connected");
      connected = true;
    },
  };
}

/** Whatever the server did not say itself, its farewells, and that it only reads since it was replaced. */
function isLoss(cause: unknown): boolean {
  return !(cause instanceof pg.DatabaseError) || /^(?:08|57P|25006)/.test(cause.code ?? "");
}
