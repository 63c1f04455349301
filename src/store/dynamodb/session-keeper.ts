import type { DynamoTable, Expression, Item } from "./dynamo-table.ts";
import { inParallel } from "./in-parallel.ts";
import { bytesIn, deleteAt, keyOf, numberIn, textIn } from "./item-values.ts";
import type { KnownHeads } from "./known-heads.ts";
import type { OwnerIndex } from "./owner-index.ts";
import { pickTurns } from "./pick-turns.ts";
import { HEAD, headKey, incarnationOf, isHead, type SessionHead, sessionPartition } from "./session-head.ts";
import { isTurn, parseTurnPart, ROW_GRACE_MS, slotKeys, turnsFrom } from "./session-rows.ts";

export interface SessionRowInfo {
  readonly incarnation: string;
  readonly writtenAt: number;
}

/** Looks after the rows behind a head: how long DynamoDB keeps them, and their end. */
export interface SessionKeeper {
  /** Has DynamoDB keep what the head counts for longer; what it does not count ends when it was to end. */
  prolong(head: SessionHead): Promise<void>;
  /** Removes rows, never a head. */
  removeRows(key: string, isGone: (row: SessionRowInfo) => boolean): Promise<void>;
}

const ROW_INFO = ["pk", "sk", "incarnation", "writtenAt"] as const;
const TURN_INFO = ["parts", "previous", "deleteAt"] as const;
const EXISTS: Expression = { expression: "attribute_exists(pk)" };

/**
 * A row is written once and would have to be written again to live on with its session. So it is given some days more
 * than the session has at that moment, and only a session that outlives half of them has its rows prolonged, all at once.
 */
export function createSessionKeeper(parts: {
  table: DynamoTable;
  heads: KnownHeads;
  index: OwnerIndex;
}): SessionKeeper {
  const { table, heads, index } = parts;
  const underWay = new Set<string>();

  const prolong = async (head: SessionHead): Promise<void> => {
    const until = head.fields.expiresAt + ROW_GRACE_MS;
    const end = deleteAt(until);
    await index.enter({ ...head, keptUntil: until });
    const rows = await readRows(table, head.key, [...ROW_INFO, ...TURN_INFO]);
    const ending = countedRows(rows, head).filter((row) => numberIn(row, "deleteAt") < numberIn(end, "deleteAt"));
    const change = { expression: "SET deleteAt = :until", values: { ":until": end["deleteAt"] ?? { NULL: true } } };
    await inParallel(ending, (row) => table.update(keyOf(row), change, EXISTS));
    await table.update(
      headKey(head.key),
      { expression: "SET keptUntil = :until", values: { ":until": { N: String(until) } } },
      // A later head may count rows that this one did not see; its own commit prolongs those.
      { expression: "revision = :revision", values: { ":revision": { S: head.revision } } },
    );
    if (heads.at(head.key, head.revision)) heads.keep({ ...head, keptUntil: until });
  };

  return {
    async prolong(head) {
      if (underWay.has(head.key)) return;
      underWay.add(head.key);
      await prolong(head).finally(() => underWay.delete(head.key));
    },
    async removeRows(key, isGone) {
      const rows = await readRows(table, key, ROW_INFO);
      const gone = rows.filter((row) =>
        isGone({ incarnation: textIn(row, "incarnation"), writtenAt: numberIn(row, "writtenAt") }),
      );
      await table.removeMany(gone.map(keyOf));
    },
  };
}

async function readRows(table: DynamoTable, key: string, only: readonly string[]): Promise<Item[]> {
  const rows: Item[] = [];
  const range = { pk: sessionPartition(key), from: turnsFrom(0), to: HEAD, order: "asc", only } as const;
  for await (const page of table.pages(range)) rows.push(...page.filter((item) => !isHead(item)));
  return rows;
}

function countedRows(rows: readonly Item[], head: SessionHead): Item[] {
  const incarnation = incarnationOf(head.revision);
  const own = rows.filter((row) => textIn(row, "incarnation") === incarnation);
  const ofTurns = own.filter((row) => isTurn(bytesIn(row, "sk")));
  const { turns, isWhole } = pickTurns(ofTurns.map(parseTurnPart), { incarnation, from: 0, last: head.last });
  // Where a turn is missing nobody knows for sure: better one row too many.
  if (!isWhole) return own;
  const turnIds = new Set(turns.map(({ id }) => id));
  const slots = new Set(head.slots.flatMap(slotKeys).map(String));
  return own.filter((row) =>
    isTurn(bytesIn(row, "sk")) ? turnIds.has(parseTurnPart(row).id) : slots.has(String(bytesIn(row, "sk"))),
  );
}
