/** A process that serves DynamoDB's API from memory, on a free loopback port that it prints. */
import { once } from "node:events";

import dynalite from "dynalite";

const server = dynalite({ createTableMs: 0, deleteTableMs: 0 }).listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no port");
process.stdout.write(`${address.port}\n`);
