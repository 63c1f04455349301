import type { DynamoDB } from "@aws-sdk/client-dynamodb";

import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { StoreBackend } from "../store-backend.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { connectDynamo } from "./connect-dynamo.ts";
import { describeTable, hasExpiry } from "./create-dynamo-table.ts";
import { createDynamoAuditStore } from "./dynamo-audit-store.ts";
import { sortKey } from "./dynamo-keys.ts";
import { createDynamoLeaseStore } from "./dynamo-lease-store.ts";
import { createDynamoNoticeStore } from "./dynamo-notice-store.ts";
import { createDynamoQuotaStore } from "./dynamo-quota-store.ts";
import { createDynamoRecordStore } from "./dynamo-record-store.ts";
import { createDynamoSessionStore } from "./dynamo-session-store.ts";
import { openTable } from "./dynamo-table.ts";
import { createOperations } from "./operations.ts";
import { parseDynamoAddress } from "./parse-dynamo-address.ts";

export interface DynamoBackendOptions {
  /** `dynamodb://REGION/TABLE`, and `?endpoint=URL` for another place than AWS. */
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For one request; a call may take several. */
  readonly requestTimeoutMs: number;
}

/**
 * Many gateways, one table. Rejects with TypeError for an address that means nothing, with `store_unavailable` when the
 * table cannot be reached now or is not there.
 */
export async function openDynamoBackend(options: DynamoBackendOptions): Promise<StoreBackend> {
  const { clock, log, requestTimeoutMs } = options;
  const address = parseDynamoAddress(options.address);
  const client = connectDynamo(address, requestTimeoutMs);
  await assertTable(client, address.table, log).catch((cause: unknown) => {
    client.destroy();
    throw cause;
  });
  const table = openTable(client, address.table);
  const operations = createOperations();
  const parts = { table, operations, clock };
  let closing: Promise<void> | undefined;
  return {
    sessions: createDynamoSessionStore(parts),
    records: createDynamoRecordStore(parts),
    leases: createDynamoLeaseStore(parts),
    quotas: createDynamoQuotaStore(parts),
    notices: createDynamoNoticeStore(parts),
    audit: createDynamoAuditStore(parts),
    ping: () =>
      operations.run(async () => {
        await table.get({ pk: "ping", sk: sortKey("ping") });
      }),
    close: () => (closing ??= operations.close().finally(() => client.destroy())),
  };
}

/** What is not there is made by an operator, who pays for it. */
async function assertTable(client: DynamoDB, name: string, log: Log): Promise<void> {
  const table = await describeTable(client, name);
  if (!table) throw storeUnavailable(`the DynamoDB table ${name} does not exist: run \`stategate store migrate\``);
  const keys = table.KeySchema?.map(({ AttributeName }) => AttributeName).join(" ");
  const sk = table.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === "sk");
  if (keys !== "pk sk" || sk?.AttributeType !== "B") {
    throw storeUnavailable(`the DynamoDB table ${name} is not one that \`stategate store migrate\` made`);
  }
  if (!(await hasExpiry(client, name))) log.warn({}, "dynamodb_expiry_off");
}
