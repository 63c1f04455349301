import type pg from "pg";

import { storeUnavailable } from "../store-unavailable.ts";

/** The first with iterative index scans: without them a search among one owner's vectors would miss some. */
const LEAST_VERSION = [0, 8] as const;

/**
 * Creates the table of vectors where it is missing, inside the caller's transaction. It is no part of the ordered schema,
 * for it needs an extension, and the length of the vectors is configured.
 * @throws GatewayError `store_unavailable` without pgvector, or when the table holds vectors of another length
 */
export async function prepareVectors(client: pg.Client, dimensions: number): Promise<void> {
  await assertExtension(client);
  const { rows } = await client.query<{ dimensions: number }>(
    `SELECT a.atttypmod AS dimensions FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'stategate' AND c.relname = 'vectors' AND a.attname = 'embedding'`,
  );
  const held = rows[0]?.dimensions;
  if (held === undefined) await client.query(tableOf(dimensions));
  else if (held !== dimensions) {
    throw storeUnavailable(
      `stategate.vectors holds vectors of ${held} dimensions, and ${dimensions} are configured: drop the table, and they are made anew`,
    );
  }
}

async function assertExtension(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string; installed: string | null }>(
    "SELECT default_version AS version, installed_version AS installed FROM pg_available_extensions WHERE name = 'vector'",
  );
  const version = rows[0]?.installed ?? rows[0]?.version;
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  if (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1]) {
    const found = version === undefined ? "this server has none" : `this server has ${version}`;
    throw storeUnavailable(
      `recall.vectors: database needs the extension pgvector ${LEAST_VERSION.join(".")}; ${found}`,
    );
  }
  if (rows[0]?.installed === null) await client.query("CREATE EXTENSION vector");
}

/** Half precision: half the room, up to 4,000 dimensions, and the order of what is near hardly changes. */
const tableOf = (dimensions: number): string => `
CREATE TABLE stategate.vectors (
  session   bigint NOT NULL REFERENCES stategate.sessions ON DELETE CASCADE,
  model     text   NOT NULL,
  unit      text   NOT NULL,
  owner     bytea  NOT NULL,
  embedding halfvec(${dimensions}) NOT NULL,
  PRIMARY KEY (session, model, unit)
);

CREATE INDEX vectors_by_nearness ON stategate.vectors USING hnsw (embedding halfvec_cosine_ops);

CREATE FUNCTION stategate.nearest_units(
  of_owner bytea, keys bytea[], now_ms bigint, of_model text, given halfvec, at_most int
) RETURNS TABLE (key bytea, unit text, similarity float8) LANGUAGE sql STABLE
SET hnsw.iterative_scan = strict_order AS $$
  SELECT s.key, near.unit, 1 - near.distance
  FROM (
    SELECT v.session, v.unit, v.embedding <=> given AS distance FROM stategate.vectors v
    WHERE v.owner = of_owner AND v.model = of_model AND v.session = ANY (ARRAY(
      SELECT own.id FROM stategate.sessions own
      WHERE own.key = ANY (keys) AND own.owner = of_owner AND own.expires_at > now_ms
    ))
    ORDER BY v.embedding <=> given LIMIT at_most
  ) AS near JOIN stategate.sessions s ON s.id = near.session
  ORDER BY near.distance
$$;
`;
