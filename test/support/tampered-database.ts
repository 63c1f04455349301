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
  /** The bytes of the first record whose name is like the pattern. */
  record(pattern: string): Uint8Array;
  /** Puts the bytes into every record whose name is like the pattern. */
  overwriteRecords(pattern: string, bytes: Uint8Array): void;
  close(): void;
}

export function openTamperedDatabase(path: string): TamperedDatabase {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false, timeout: 5_000 });
  const run: TamperedDatabase["run"] = (sql, ...values) => {
    const { changes } = database.prepare(sql).run(...values);
    if (Number(changes) === 0) throw new Error(`tampered with nothing: ${sql}`);
  };
  const blob: TamperedDatabase["blob"] = (sql, ...values) => {
    const value = Object.values(database.prepare(sql).get(...values) ?? {})[0];
    if (!(value instanceof Uint8Array)) throw new Error(`no blob: ${sql}`);
    return value;
  };
  return {
    run,
    blob,
    record: (pattern) =>
      blob(
        `SELECT substr(bytes, 1, length) FROM records JOIN record_slots ON id = slot
         WHERE name LIKE ? ORDER BY name LIMIT 1`,
        pattern,
      ),
    overwriteRecords(pattern, bytes) {
      run("UPDATE records SET length = ? WHERE name LIKE ?", bytes.byteLength, pattern);
      run("UPDATE record_slots SET bytes = ? WHERE id IN (SELECT slot FROM records WHERE name LIKE ?)", bytes, pattern);
    },
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
    close: () => database.close(),
  };
}

export function flipByte(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  const index = at < 0 ? flipped.length + at : at;
  flipped[index] = (flipped[index] ?? 0) ^ 1;
  return flipped;
}
