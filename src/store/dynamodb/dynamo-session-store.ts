import type { Clock } from "../../kit/clock.ts";
import { runPiece, type ScannedKeys, type SessionStore } from "../session-store.ts";
import type { DynamoTable, Expression, ItemKey } from "./dynamo-table.ts";
import { textIn } from "./item-values.ts";
import { createKnownHeads } from "./known-heads.ts";
import type { Operations } from "./operations.ts";
import { createOwnerIndex, REPAIR_AFTER_MS } from "./owner-index.ts";
import { createSessionCommit } from "./session-commit.ts";
import { decodeHead, HEAD, headKey, incarnationOf, type SessionHead } from "./session-head.ts";
import { createSessionKeeper } from "./session-keeper.ts";
import { createSessionReader } from "./session-reader.ts";

export interface StoreParts {
  readonly table: DynamoTable;
  readonly operations: Operations;
  readonly clock: Clock;
}

export function createDynamoSessionStore({ table, operations, clock }: StoreParts): SessionStore {
  const { run } = operations;
  const heads = createKnownHeads();
  const index = createOwnerIndex({ table, operations, clock });
  const reader = createSessionReader(table, clock);
  const keeper = createSessionKeeper({ table, heads, index });
  const commit = createSessionCommit({ table, reader, heads, index, keeper, operations, clock });
  const isLive = ({ fields }: SessionHead): boolean => fields.expiresAt > clock();

  /** The head goes first, and the session with it; the rest is what nobody counts any more. */
  const removeHead = async (key: string, condition?: Expression): Promise<SessionHead | undefined> => {
    const { old } = await table.remove(headKey(key), condition);
    heads.forget(key);
    return old && decodeHead(old);
  };
  const removeLife = (key: string, incarnation: string): Promise<void> =>
    keeper.removeRows(key, (row) => row.incarnation === incarnation);

  return {
    load: (key, known) =>
      run(async () => {
        const view = await reader.load(key, known);
        if (view) heads.keep(view.head);
        return view?.session;
      }),
    readTurns: (key, from, to) => run(() => reader.readTurns(key, from, to)),
    commit: (change) => run(() => commit(change)),
    remove: (key) =>
      run(async () => {
        const head = await removeHead(key);
        if (!head) {
          // What an earlier removal left, but not what a session in the making has written.
          await keeper.removeRows(key, ({ writtenAt }) => writtenAt < clock() - REPAIR_AFTER_MS);
          return false;
        }
        await removeLife(key, incarnationOf(head.revision));
        await index.leave(head);
        return isLive(head);
      }),
    list: (owner, page) => run(() => index.list(owner, page)),
    count: (owner, atMost) => run(() => index.count(owner, atMost)),
    removeOwner: (owner, step = runPiece) =>
      index.removeAll(owner, {
        step: (piece) => step(() => run(piece)),
        remove: async (entry) => {
          const { key, incarnation } = entry;
          const head = await reader.readHead(key);
          const isThere = head?.fields.owner === owner && incarnationOf(head.revision) === incarnation;
          if (!isThere && index.isYoung(entry)) return undefined;
          if (isThere) await index.beginLeaving(head);
          const removed = await removeHead(key, ofLife(owner, incarnation));
          await removeLife(key, incarnation);
          return removed !== undefined && isLive(removed);
        },
      }),
    scan: (after) => run(() => scanSessions(table, clock(), after)),
  };
}

const ofLife = (owner: string, incarnation: string): Expression => ({
  expression: "ownerName = :owner AND begins_with(revision, :life)",
  values: { ":owner": { S: owner }, ":life": { S: `${incarnation}.` } },
});

/** The one method that reads the whole table. */
async function scanSessions(table: DynamoTable, now: number, after: string | undefined): Promise<ScannedKeys> {
  const filter = {
    expression: "sk = :head AND expiresAt > :now",
    values: { ":head": { B: HEAD }, ":now": { N: String(now) } },
  };
  const { items, next } = await table.scan(after === undefined ? undefined : decodePlace(after), filter);
  const keys = items.map((item) => textIn(item, "sessionKey"));
  return next ? { keys, next: encodePlace(next) } : { keys };
}

const encodePlace = ({ pk, sk }: ItemKey): string => JSON.stringify([pk, sk.toString("base64")]);

function decodePlace(text: string): ItemKey {
  const [pk = "", sk = ""] = JSON.parse(text) as string[];
  return { pk, sk: Buffer.from(sk, "base64") };
}
