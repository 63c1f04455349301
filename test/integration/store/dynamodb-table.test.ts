import { randomBytes } from "node:crypto";

import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";

import { openTable } from "../../../src/store/dynamodb/dynamo-table.ts";
import { parseDynamoAddress } from "../../../src/store/dynamodb/parse-dynamo-address.ts";
import { useDynamoWorld } from "../../support/dynamo-world.ts";
import { countLoopTurns } from "../../support/loop-turns.ts";

const world = useDynamoWorld();

it("long items that are written at once are printed one for each turn of the event loop", async () => {
  const { region, table: name, endpoint = "" } = parseDynamoAddress(world().address);
  const client = new DynamoDB({ region, endpoint, credentials: { accessKeyId: "local", secretAccessKey: "local" } });
  const turns = countLoopTurns();
  const printed: number[] = [];
  client.middlewareStack.add((next) => (given) => (printed.push(turns.now()), next(given)), { step: "initialize" });
  const table = openTable(client, name);
  const items = [1, 2, 3].map((part) => ({
    pk: { S: "long" },
    sk: { B: Buffer.from([part]) },
    bytes: { B: randomBytes(300_000) },
  }));
  await Promise.all(items.map((item) => table.put(item)));
  turns.stop();
  expect(new Set(printed).size).toBe(3);
  const read = await table.getMany(items.map(({ sk }) => ({ pk: "long", sk: sk.B })));
  expect(read).toHaveLength(3);
  client.destroy();
});
