import { setTimeout as pause } from "node:timers/promises";

import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDB,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";

import { sliceFor } from "../../kit/work-slices.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { dynamoUnavailable, translated } from "./dynamo-error.ts";
import { keyOf } from "./item-values.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

export interface ItemKey {
  readonly pk: string;
  readonly sk: Buffer;
}

/** An expression over attributes, with what its `:names` stand for. */
export interface Expression {
  readonly expression: string;
  readonly values?: Item;
}

export interface WriteOutcome {
  /** False when the condition did not hold: nothing was written. */
  readonly written: boolean;
  /** What was there before. */
  readonly old: Item | undefined;
  /** The request was sent more than once, so a condition that does not hold may be our own doing. */
  readonly wasRepeated: boolean;
}

export interface Range {
  readonly pk: string;
  /** Both are part of it. */
  readonly from: Buffer;
  readonly to: Buffer;
  readonly order: "asc" | "desc";
  /** Items of a page; without it as many as fit into DynamoDB's megabyte. */
  readonly limit?: number;
  /** Attributes to answer with; all of them without it. Reading costs the same. */
  readonly only?: readonly string[];
}

export interface ScanPage {
  readonly items: readonly Item[];
  readonly next: ItemKey | undefined;
}

/** One table, read consistently. Rejects with `store_unavailable` when it cannot answer. */
export interface DynamoTable {
  get(key: ItemKey): Promise<Item | undefined>;
  /** What is there of many, in no order. */
  getMany(keys: readonly ItemKey[]): Promise<Item[]>;
  put(item: Item, condition?: Expression): Promise<WriteOutcome>;
  update(key: ItemKey, change: Expression, condition?: Expression): Promise<WriteOutcome>;
  remove(key: ItemKey, condition?: Expression): Promise<WriteOutcome>;
  /** Many writes without a condition, in no order; not one step. */
  putMany(items: readonly Item[]): Promise<void>;
  removeMany(keys: readonly ItemKey[]): Promise<void>;
  /** One request for each page that is asked for. */
  pages(range: Range): AsyncGenerator<Item[], void>;
  /** Reads the whole table, a megabyte at a time. */
  scan(after: ItemKey | undefined, filter: Expression): Promise<ScanPage>;
}

const READ_AT_ONCE = 100;
const WRITTEN_AT_ONCE = 25;
/** A throttled table hands back what it did not do, and wants to be left alone for a moment. */
const BATCH_TRIES = 6;
const FIRST_PAUSE_MS = 25;

export function openTable(client: DynamoDB, name: string): DynamoTable {
  const write = createConditionalWrites(client, name);
  const writeBatches = createBatchWrites(client, name);
  return {
    ...write,
    async get(key) {
      return (await translated(client.getItem({ TableName: name, Key: keyItem(key), ConsistentRead: true }))).Item;
    },
    getMany: createBatchReads(client, name),
    putMany: (items) => writeBatches(items.map((Item) => ({ PutRequest: { Item: { ...Item } } }))),
    removeMany: (keys) => writeBatches(keys.map((key) => ({ DeleteRequest: { Key: keyItem(key) } }))),
    async *pages({ pk, from, to, order, limit, only }) {
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await translated(
          client.query({
            TableName: name,
            ConsistentRead: true,
            KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
            ExpressionAttributeValues: { ":pk": { S: pk }, ":from": { B: from }, ":to": { B: to } },
            ScanIndexForward: order === "asc",
            ...(limit !== undefined && { Limit: limit }),
            ...(only && { ProjectionExpression: only.join(", ") }),
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        yield page.Items ?? [];
        start = page.LastEvaluatedKey;
      } while (start);
    },
    async scan(after, { expression, values }) {
      const page = await translated(
        client.scan({
          TableName: name,
          ConsistentRead: true,
          FilterExpression: expression,
          ...(values && { ExpressionAttributeValues: values }),
          ...(after && { ExclusiveStartKey: keyItem(after) }),
        }),
      );
      return { items: page.Items ?? [], next: page.LastEvaluatedKey && keyOf(page.LastEvaluatedKey) };
    },
  };
}

function createConditionalWrites(client: DynamoDB, name: string): Pick<DynamoTable, "put" | "update" | "remove"> {
  const common = (condition: Expression | undefined) =>
    ({
      TableName: name,
      ReturnValues: "ALL_OLD",
      ...(condition && { ConditionExpression: condition.expression }),
    }) as const;
  const values = (...expressions: (Expression | undefined)[]) => {
    const all = Object.fromEntries(expressions.flatMap((expression) => Object.entries(expression?.values ?? {})));
    return Object.keys(all).length > 0 && { ExpressionAttributeValues: all };
  };
  return {
    async put(item, condition) {
      // The client prints and signs at once what it is given, and a turn of a megabyte has three long items.
      await sliceFor(item["bytes"]?.B?.length ?? 0);
      return outcome(client.putItem({ ...common(condition), Item: { ...item }, ...values(condition) }));
    },
    update: (key, change, condition) =>
      outcome(
        client.updateItem({
          ...common(condition),
          Key: keyItem(key),
          UpdateExpression: change.expression,
          ...values(change, condition),
        }),
      ),
    remove: (key, condition) =>
      outcome(client.deleteItem({ ...common(condition), Key: keyItem(key), ...values(condition) })),
  };
}

interface Written {
  readonly Attributes?: Item | undefined;
  readonly $metadata: { readonly attempts?: number | undefined };
}

async function outcome(call: Promise<Written>): Promise<WriteOutcome> {
  try {
    const { Attributes, $metadata } = await call;
    return { written: true, old: Attributes, wasRepeated: isRepeated($metadata) };
  } catch (cause) {
    if (!(cause instanceof ConditionalCheckFailedException)) throw dynamoUnavailable(cause);
    return { written: false, old: undefined, wasRepeated: isRepeated(cause.$metadata) };
  }
}

const isRepeated = ({ attempts = 1 }: Written["$metadata"]): boolean => attempts > 1;

function createBatchReads(client: DynamoDB, name: string): DynamoTable["getMany"] {
  const read = async (keys: readonly Key[]): Promise<{ found: Item[]; left: readonly Key[] }> => {
    const request = { RequestItems: { [name]: { Keys: [...keys], ConsistentRead: true } } };
    const { Responses, UnprocessedKeys } = await translated(client.batchGetItem(request));
    return { found: Responses?.[name] ?? [], left: UnprocessedKeys?.[name]?.Keys ?? [] };
  };
  return async (keys) => {
    const found: Item[] = [];
    await inBatches(keys.map(keyItem), READ_AT_ONCE, async (batch) => {
      const answer = await read(batch);
      found.push(...answer.found);
      return answer.left;
    });
    return found;
  };
}

function createBatchWrites(client: DynamoDB, name: string): (writes: readonly WriteRequest[]) => Promise<void> {
  return (writes) =>
    inBatches(writes, WRITTEN_AT_ONCE, async (batch) => {
      const request = { RequestItems: { [name]: [...batch] } };
      return (await translated(client.batchWriteItem(request))).UnprocessedItems?.[name] ?? [];
    });
}

/** @param work resolves to what was not done */
async function inBatches<T>(
  items: readonly T[],
  atOnce: number,
  work: (batch: readonly T[]) => Promise<readonly T[]>,
): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) {
    let left = await work(items.slice(at, at + atOnce));
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt === BATCH_TRIES) throw storeUnavailable("the DynamoDB table left a part of a batch undone");
      await pause(FIRST_PAUSE_MS * 2 ** attempt);
      left = await work(left);
    }
  }
}

type Key = Record<string, AttributeValue>;

const keyItem = ({ pk, sk }: ItemKey): Record<string, AttributeValue> => ({ pk: { S: pk }, sk: { B: sk } });
