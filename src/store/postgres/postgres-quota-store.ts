import type { Clock } from "../../kit/clock.ts";
import type { QuotaStore } from "../quota-store.ts";
import type { PostgresClient } from "./postgres-client.ts";
import { numberAt } from "./row-values.ts";

export function createPostgresQuotaStore({ run }: PostgresClient, clock: Clock): QuotaStore {
  return {
    async take(name, { startsAt, endsAt, limit }, want) {
      const [row = {}] = await run(statements.take, [Buffer.from(name), startsAt, endsAt, limit, want]);
      return { granted: numberAt(row, "granted"), used: numberAt(row, "used") };
    },
    async hold(name, holder, { count, limit, ttlMs }) {
      const now = clock();
      const values = [now, Buffer.from(name), Buffer.from(holder), count, limit, now + ttlMs];
      const [row = {}] = await run(statements.hold, values);
      return numberAt(row, "held");
    },
    async forget(name) {
      await run(statements.forget, [Buffer.from(name)]);
    },
  };
}

const statements = {
  take: { name: "quota-take", text: "SELECT granted, used FROM stategate.take_quota($1, $2, $3, $4, $5)" },
  hold: { name: "quota-hold", text: "SELECT stategate.hold_places($1, $2, $3, $4, $5, $6) AS held" },
  forget: {
    name: "quota-forget",
    text: `
      WITH windows AS (DELETE FROM stategate.quota_windows WHERE name = $1)
      DELETE FROM stategate.places WHERE name = $1`,
  },
};
