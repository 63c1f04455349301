/** SQL: milliseconds since the Unix epoch by the server's clock, the one that all replicas share. */
export const serverTimeMs = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
