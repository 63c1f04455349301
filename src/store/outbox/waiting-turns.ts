import { describeError } from "../../errors/describe-error.ts";
import type { Log } from "../../kit/log.ts";
import type { RecordStore } from "../record-store.ts";
import type { TurnCommit } from "./delivery-hooks.ts";
import { createWaitingList, type WaitingList } from "./waiting-list.ts";
import { decodeWaiting, encodeWaiting, type WaitingTurn } from "./waiting-turn.ts";

/**
 * Turns that were acknowledged and are not in the store yet: on disk, and held in memory to be read.
 * Every method that changes something rejects with `store_unavailable` when the disk fails.
 */
export interface WaitingTurns extends Pick<WaitingList, "size" | "keys" | "of" | "isFull"> {
  /** Resolves when it is on disk. Rejects with `store_unavailable` when the outbox is full, too. */
  add(commit: TurnCommit): Promise<void>;
  /** Marks a session's turns: they go to another life of it than the one they were sealed for. */
  move(key: string): Promise<void>;
  /** Idempotent. */
  remove(turn: WaitingTurn): Promise<void>;
  /** Takes a session's turns out of the queue but not off the disk: what was acknowledged is not thrown away. */
  setAside(key: string): Promise<void>;
  /** Whether a session was once left at this revision by a turn that was set aside, and so is in no store. */
  isLost(key: string, revision: string | undefined): boolean;
}

export interface WaitingTurnsOptions {
  readonly records: RecordStore;
  readonly maxBytes: number;
  readonly log: Log;
}

const WAITING = "waiting:";
const SET_ASIDE = "set-aside:";
const PAGE = 100;
const DIGITS = 16;

/** Begins with what an earlier process left. */
export async function openWaitingTurns({ records, maxBytes, log }: WaitingTurnsOptions): Promise<WaitingTurns> {
  const list = createWaitingList({ maxBytes, log });
  const lost = new Map<string, Set<string>>();
  const setAside = async ({ name, record }: Pick<WaitingTurn, "name" | "record">): Promise<void> => {
    const place = SET_ASIDE + name.slice(WAITING.length);
    // Numbers begin anew when nothing waits, so a turn of an earlier process may have the place.
    for (let copy = 0; ; copy += 1) {
      const held = await records.putIfAbsent(copy === 0 ? place : `${place}.${copy}`, record);
      if (held.equals(record)) break;
    }
    await records.remove(name);
  };
  let next = 0;
  for await (const { name, bytes } of allOf(records)) {
    next = Number(name.slice(WAITING.length)) + 1;
    try {
      list.add(decodeWaiting(name, bytes));
    } catch (error) {
      log.error({ turns: 1, cause: describeError(error) }, "outbox_turns_set_aside");
      await setAside({ name, record: bytes });
    }
  }
  return {
    ...list,
    async add(commit) {
      const record = encodeWaiting(
        commit,
        list.of(commit.key).some(({ moved }) => moved),
      );
      list.assertRoom(record.byteLength);
      const name = WAITING + String(next++).padStart(DIGITS, "0");
      await records.putIfAbsent(name, record);
      list.add(decodeWaiting(name, record));
    },
    async move(key) {
      for (const turn of list.of(key)) {
        const record = encodeWaiting(turn.commit, true);
        await records.replace(turn.name, { expected: turn.record, bytes: record });
        list.replace({ ...turn, moved: true, record });
      }
    },
    async remove(turn) {
      await records.remove(turn.name);
      list.drop(turn);
    },
    async setAside(key) {
      // From the end: should the process die meanwhile, what is left is still a row without gaps.
      for (const turn of list.of(key).toReversed()) {
        await setAside(turn);
        lost.set(key, (lost.get(key) ?? new Set()).add(turn.commit.revision));
        list.drop(turn);
      }
    },
    isLost: (key, revision) => revision !== undefined && (lost.get(key)?.has(revision) ?? false),
  };
}

async function* allOf(records: RecordStore) {
  for (let after: string | undefined; ;) {
    const page = await records.list(WAITING, { limit: PAGE, ...(after !== undefined && { after }) });
    yield* page;
    after = page.at(-1)?.name;
    if (after === undefined) return;
  }
}
