import type { Clock } from "../../kit/clock.ts";
import type { VectorSession, VectorStore } from "../vector-store.ts";
import type { PostgresClient } from "./postgres-client.ts";
import { nameAt, numberAt } from "./row-values.ts";

export function createPostgresVectorStore({ run }: PostgresClient, clock: Clock, model: string): VectorStore {
  const placeOf = ({ owner, key, incarnation }: VectorSession): [Buffer, Buffer, number, string] => [
    Buffer.from(owner),
    Buffer.from(key),
    clock(),
    incarnation,
  ];
  return {
    async put(session, vectors) {
      const texts = [...vectors.values()].map(textOf);
      await run(statements.put, [...placeOf(session), model, [...vectors.keys()], texts]);
    },
    async present(session, units) {
      const rows = await run(statements.present, [...placeOf(session), model, units]);
      return new Set(rows.map((row) => String(row["unit"])));
    },
    async nearest({ owner, keys, vector, minSimilarity, limit }) {
      const names = keys.map((key) => Buffer.from(key));
      const rows = await run(statements.nearest, [Buffer.from(owner), names, clock(), model, textOf(vector), limit]);
      return rows
        .map((row) => ({
          key: nameAt(row, "key"),
          unit: String(row["unit"]),
          similarity: numberAt(row, "similarity"),
        }))
        .filter(({ similarity }) => similarity >= minSimilarity);
    },
  };
}

const textOf = (vector: Float32Array): string => `[${vector.join(",")}]`;

const live = `
  SELECT id, owner FROM stategate.sessions
  WHERE owner = $1 AND key = $2 AND expires_at > $3 AND split_part(revision, '.', 1) = $4`;

const statements = {
  put: {
    name: "vectors-put",
    // The lock lets nobody remove the session until its vectors can be removed with it.
    text: `
      WITH live AS (${live} FOR KEY SHARE)
      INSERT INTO stategate.vectors (session, model, unit, owner, embedding)
      SELECT live.id, $5, given.unit, live.owner, given.embedding::halfvec
      FROM live, unnest($6::text[], $7::text[]) AS given (unit, embedding)
      ON CONFLICT DO NOTHING`,
  },
  present: {
    name: "vectors-present",
    text: `
      WITH live AS (${live})
      SELECT v.unit FROM live JOIN stategate.vectors v ON v.session = live.id
      WHERE v.model = $5 AND v.unit = ANY ($6::text[])`,
  },
  nearest: {
    name: "vectors-nearest",
    text: "SELECT key, unit, similarity FROM stategate.nearest_units($1, $2, $3, $4, $5::text::halfvec, $6)",
  },
};
