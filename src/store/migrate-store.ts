import { parseStoreAddress } from "./open-store.ts";

/**
 * Brings the schema of what an address names up to this release, and resolves to the names of what was done. SQLite does
 * so itself when it is opened; memory and Redis have no schema.
 * Rejects with TypeError for an address that means nothing, with `store_unavailable` when it cannot be done.
 */
export async function migrateStore(address: string): Promise<readonly string[]> {
  switch (parseStoreAddress(address).kind) {
    case "postgres": {
      const { migratePostgres } = await import("./postgres/migrate-postgres.ts");
      return migratePostgres(address);
    }
    case "dynamodb": {
      const { createDynamoTable } = await import("./dynamodb/create-dynamo-table.ts");
      return createDynamoTable({ address });
    }
    default:
      return [];
  }
}
