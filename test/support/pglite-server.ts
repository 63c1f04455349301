import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

/** PostgreSQL in this process, with pgvector, behind a socket on loopback. */
export interface PgliteServer {
  /** For one connection: all of them are one session. */
  readonly address: string;
  /** The session keeps what an earlier connection prepared: to be called before another opens. */
  forgetStatements(): Promise<void>;
  query(sql: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export async function startPgliteServer(): Promise<PgliteServer> {
  const database = await PGlite.create({ extensions: { vector } });
  const server = new PGLiteSocketServer({ db: database, host: "127.0.0.1", port: 0, maxConnections: 20 });
  await server.start();
  return {
    address: `postgres://postgres@${server.getServerConn()}/postgres?max=1`,
    async forgetStatements() {
      await database.exec("DEALLOCATE ALL");
    },
    query: async (sql) => (await database.query<Record<string, unknown>>(sql)).rows,
    async stop() {
      await server.stop();
      await database.close();
    },
  };
}
