import { setTimeout as pause } from "node:timers/promises";

import {
  type DynamoDB,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";

import { storeUnavailable } from "../store-unavailable.ts";
import { connectDynamo } from "./connect-dynamo.ts";
import { dynamoUnavailable, translated } from "./dynamo-error.ts";
import { parseDynamoAddress } from "./parse-dynamo-address.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const POLL_MS = 500;
const POLLS = 240;

/**
 * Makes the table that `dynamodb://REGION/TABLE` names if there is none, billed by request, and has expired items
 * deleted. Idempotent. Resolves to what was done, a line each; rejects with `store_unavailable`.
 */
export async function createDynamoTable({ address }: { readonly address: string }): Promise<readonly string[]> {
  const parsed = parseDynamoAddress(address);
  const client = connectDynamo(parsed, REQUEST_TIMEOUT_MS);
  try {
    const done: string[] = [];
    if (await create(client, parsed.table)) done.push(`created table ${parsed.table}`);
    await waitUntilActive(client, parsed.table);
    if (await enableExpiry(client, parsed.table)) done.push("enabled expiry by deleteAt");
    return done;
  } finally {
    client.destroy();
  }
}

/** `undefined` when there is no such table. */
export async function describeTable(client: DynamoDB, table: string): Promise<TableDescription | undefined> {
  try {
    return (await client.describeTable({ TableName: table })).Table;
  } catch (cause) {
    if (cause instanceof ResourceNotFoundException) return undefined;
    throw dynamoUnavailable(cause);
  }
}

async function create(client: DynamoDB, table: string): Promise<boolean> {
  if (await describeTable(client, table)) return false;
  const creating = client.createTable({
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "B" },
    ],
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
  });
  try {
    await creating;
    return true;
  } catch (cause) {
    // Another one who migrates was faster.
    if (cause instanceof ResourceInUseException) return false;
    throw dynamoUnavailable(cause);
  }
}

async function waitUntilActive(client: DynamoDB, table: string): Promise<void> {
  for (let poll = 0; poll < POLLS; poll++) {
    if ((await describeTable(client, table))?.TableStatus === "ACTIVE") return;
    await pause(POLL_MS);
  }
  throw storeUnavailable(`the DynamoDB table ${table} did not get active`);
}

export async function hasExpiry(client: DynamoDB, table: string): Promise<boolean> {
  const { TimeToLiveDescription } = await translated(client.describeTimeToLive({ TableName: table }));
  return TimeToLiveDescription?.TimeToLiveStatus?.startsWith("ENABL") === true;
}

/** Emulators that do not know expiry leave expired items where they are: they are invisible, and only take room. */
async function enableExpiry(client: DynamoDB, table: string): Promise<boolean> {
  if (await hasExpiry(client, table)) return false;
  const TimeToLiveSpecification = { AttributeName: "deleteAt", Enabled: true };
  try {
    await client.updateTimeToLive({ TableName: table, TimeToLiveSpecification });
    return true;
  } catch (cause) {
    if (cause instanceof Error && cause.name === "UnknownOperationException") return false;
    throw dynamoUnavailable(cause);
  }
}
