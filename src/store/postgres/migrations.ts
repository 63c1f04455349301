import { firstFunctions } from "./first-functions.ts";
import { firstTables } from "./first-tables.ts";

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** What turns schema n into n + 1, in order, all inside the PostgreSQL schema `stategate`. Released ones never change. */
export const migrations: readonly Migration[] = [{ name: "1 first tables", sql: `${firstTables}\n${firstFunctions}` }];
