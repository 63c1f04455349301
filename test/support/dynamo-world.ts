import { type AttributeValue, DynamoDB, paginateScan } from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";

import { openDynamoBackend } from "../../src/store/dynamodb/dynamo-backend.ts";
import { parseDynamoAddress } from "../../src/store/dynamodb/parse-dynamo-address.ts";
import type { SessionFields } from "../../src/store/session-store.ts";
import type { StoreBackend } from "../../src/store/store-backend.ts";
import { type DynamoProxy, startDynamoProxy } from "./dynamo-proxy.ts";
import { type DynamoServer, startDynamoServer } from "./dynamo-server.ts";
import { HOUR_MS, openingOf, uniqueName } from "./store-commits.ts";
import { createHandClock, type HandClock } from "./store-hand-clock.ts";
import { createRecordedLog, type RecordedLog } from "./store-log.ts";

export interface TableItem {
  readonly pk: string;
  /** As text. */
  readonly sk: string;
  readonly deleteAt: number;
  readonly item: Readonly<Record<string, AttributeValue>>;
}

/** A table of its own, a store that reaches it through a proxy, and a look at what lies in it. */
export interface DynamoWorld {
  readonly backend: StoreBackend;
  readonly proxy: DynamoProxy;
  readonly clock: HandClock;
  readonly recorded: RecordedLog;
  readonly address: string;
  /** Another replica over the same table. */
  open(requestTimeoutMs?: number): Promise<StoreBackend>;
  fields(changes?: Partial<SessionFields>): SessionFields;
  opening(changes?: Partial<SessionFields>): ReturnType<typeof openingOf>;
  /** Items whose partition begins like this, read past the proxy. */
  items(partition: string): Promise<TableItem[]>;
  /** What DynamoDB does when it comes to it: deletes every item whose end has passed by our clock. */
  expire(): Promise<void>;
  close(): Promise<void>;
}

/** A server for the file that calls this, and a world for each of its tests. */
export function useDynamoWorld(): () => DynamoWorld {
  let server: DynamoServer | undefined;
  let world: DynamoWorld | undefined;
  beforeAll(async () => {
    server = await startDynamoServer();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    if (server) world = await openDynamoWorld(server);
  });
  afterEach(() => world?.close());
  return () => {
    if (!world) throw new TypeError("the world is there while tests run");
    return world;
  };
}

async function openDynamoWorld(server: DynamoServer): Promise<DynamoWorld> {
  const proxy = await startDynamoProxy(server.url);
  const address = await server.createTable(proxy.url);
  const clock = createHandClock();
  const recorded = createRecordedLog();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const raw = new DynamoDB({ region: "eu-central-1", endpoint: server.url, credentials });
  const opened: StoreBackend[] = [];
  const open = async (requestTimeoutMs = 5_000): Promise<StoreBackend> => {
    const backend = await openDynamoBackend({ address, clock: clock.now, log: recorded.log, requestTimeoutMs });
    opened.push(backend);
    return backend;
  };
  const fields = (changes: Partial<SessionFields> = {}): SessionFields => ({
    owner: uniqueName("owner"),
    createdAt: clock.now(),
    expiresAt: clock.now() + HOUR_MS,
    loadFrom: 0,
    ...changes,
  });
  const TableName = parseDynamoAddress(address).table;
  const items = async (partition: string): Promise<TableItem[]> => {
    const found: Record<string, AttributeValue>[] = [];
    for await (const page of paginateScan({ client: raw }, { TableName, ConsistentRead: true })) {
      found.push(...(page.Items ?? []));
    }
    const all = found.map((item) => ({
      pk: item["pk"]?.S ?? "",
      sk: Buffer.from(item["sk"]?.B ?? "").toString(),
      deleteAt: Number(item["deleteAt"]?.N),
      item,
    }));
    return all.filter(({ pk }) => pk.startsWith(partition));
  };
  return {
    backend: await open(),
    proxy,
    clock,
    recorded,
    address,
    open,
    fields,
    opening: (changes) => openingOf(uniqueName("session"), fields(changes)),
    items,
    async expire() {
      for (const { pk, item, deleteAt } of await items("")) {
        if (!(deleteAt * 1_000 <= clock.now())) continue;
        await raw.deleteItem({ TableName, Key: { pk: { S: pk }, sk: item["sk"] ?? { NULL: true } } });
      }
    },
    async close() {
      proxy.decide(() => "pass");
      await Promise.all(opened.map((backend) => backend.close()));
      raw.destroy();
      await proxy.stop();
    },
  };
}
