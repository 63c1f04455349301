import { DatabaseSync } from "node:sqlite";

/** One session's rows, as somebody with the file at hand sees them. */
export interface SessionRows {
  readonly id: number;
  readonly key: string;
  readonly revision: string;
  readonly head: Uint8Array;
}

/** Direct SQL on a closed gateway's file. */
export interface TamperedDatabase {
  /** Sessions in the order in which they were made. */
  sessions(): SessionRows[];
  run(sql: string, ...values: (string | number | Uint8Array)[]): void;
  /** The blob of one column of one row. */
  blob(sql: string, ...values: (string | number)[]): Uint8Array;
  close(): void;
}

export function openTamperedDatabase(path: string): TamperedDatabase {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  return {
    sessions: () =>
      database
        .prepare("SELECT id, key, revision, head FROM sessions ORDER BY id")
        .all()
        .map((row) => ({
          id: Number(row["id"]),
          key: String(row["key"]),
          revision: String(row["revision"]),
          head: row["head"] as Uint8Array,
        })),
    run(sql, ...values) {
      const { changes } = database.prepare(sql).run(...values);
      if (Number(changes) === 0) throw new Error(`tampered with nothing: ${sql}`);
    },
    blob(sql, ...values) {
      const value = Object.values(database.prepare(sql).get(...values) ?? {})[0];
      if (!(value instanceof Uint8Array)) throw new Error(`no blob: ${sql}`);
      return value;
    },
    close: () => database.close(),
  };
}

export function flipByte(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  const index = at < 0 ? flipped.length + at : at;
  flipped[index] = (flipped[index] ?? 0) ^ 1;
  return flipped;
}
