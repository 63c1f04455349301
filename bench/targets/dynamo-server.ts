import { fileURLToPath } from "node:url";

import { migrateStore } from "../../src/store/migrate-store.ts";
import { findFreePort } from "../rig/free-port.ts";
import { waitUntilReady } from "../rig/wait-until-ready.ts";
import type { Rig } from "./target.ts";

const SCRIPT = fileURLToPath(new URL("./dynamo-process.ts", import.meta.url));

/** dynalite, which speaks DynamoDB's API and is much slower than DynamoDB. Resolves to the address of a table in it. */
export async function startDynamo({ processes }: Rig): Promise<string> {
  const port = await findFreePort();
  const server = processes.start({ name: "dynalite", command: [process.execPath, SCRIPT, String(port)] });
  await waitUntilReady({ name: "dynalite", process: server, port, path: "/" });
  const address = `dynamodb://eu-central-1/bench?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`;
  await migrateStore(address);
  return address;
}
