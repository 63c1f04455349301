import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { createDynamoTable } from "../../src/store/dynamodb/create-dynamo-table.ts";
import { uniqueName } from "./store-commits.ts";

/** DynamoDB's API over HTTP on a loopback port, in a process of its own. */
export interface DynamoServer {
  readonly url: string;
  /** Makes a table and returns the address of a store in it; `endpoint` may be a proxy's. */
  createTable(endpoint?: string): Promise<string>;
  stop(): Promise<void>;
}

const childPath = fileURLToPath(new URL("dynamo-child.ts", import.meta.url));

export async function startDynamoServer(): Promise<DynamoServer> {
  const child = spawn(process.execPath, [childPath], { stdio: ["ignore", "pipe", "inherit"] });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const [port] = (await once(createInterface(child.stdout), "line")) as [string];
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    async createTable(endpoint = url) {
      const table = uniqueName("table");
      await createDynamoTable({ address: dynamoAddress(table, url) });
      return dynamoAddress(table, endpoint);
    },
    async stop() {
      process.off("exit", killWithUs);
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export const dynamoAddress = (table: string, endpoint: string): string =>
  `dynamodb://eu-central-1/${table}?endpoint=${encodeURIComponent(endpoint)}`;
