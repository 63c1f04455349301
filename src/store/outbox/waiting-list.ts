import type { Log } from "../../kit/log.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import type { WaitingTurn } from "./waiting-turn.ts";

/** The waiting turns in memory. Says in the log when turns begin to wait, when one finds no room, and when none waits. */
export interface WaitingList {
  size(): number;
  /** Sessions with waiting turns, those first whose oldest turn has waited longest. */
  keys(owner?: string): string[];
  /** Oldest first. */
  of(key: string): readonly WaitingTurn[];
  add(turn: WaitingTurn): void;
  /** Puts a turn in the place of the one of its name. */
  replace(turn: WaitingTurn): void;
  /** Idempotent. */
  drop(turn: WaitingTurn): void;
  /** Throws `store_unavailable` when a turn of this size is too much. */
  assertRoom(bytes: number): void;
  /** Since a turn found no room, until none waits any more. */
  isFull(): boolean;
}

export function createWaitingList({ maxBytes, log }: { maxBytes: number; log: Log }): WaitingList {
  const byKey = new Map<string, readonly WaitingTurn[]>();
  let size = 0;
  let bytes = 0;
  let isFull = false;
  let leftSinceFilling = 0;

  const of = (key: string): readonly WaitingTurn[] => byKey.get(key) ?? [];
  const put = (key: string, turns: readonly WaitingTurn[]): void => {
    for (const { record } of of(key)) bytes -= record.byteLength;
    for (const { record } of turns) bytes += record.byteLength;
    size += turns.length - of(key).length;
    if (turns.length > 0) byKey.set(key, turns);
    else byKey.delete(key);
  };
  return {
    size: () => size,
    keys: (owner) =>
      [...byKey].flatMap(([key, [first]]) =>
        owner === undefined || first?.commit.fields.owner === owner ? [key] : [],
      ),
    of,
    add(turn) {
      if (size === 0) log.warn({}, "outbox_filling");
      put(turn.commit.key, [...of(turn.commit.key), turn]);
    },
    replace(turn) {
      const { key } = turn.commit;
      put(
        key,
        of(key).map((held) => (held.name === turn.name ? turn : held)),
      );
    },
    drop({ name, commit: { key } }) {
      const rest = of(key).filter((turn) => turn.name !== name);
      if (rest.length === of(key).length) return;
      put(key, rest);
      leftSinceFilling += 1;
      if (size > 0) return;
      log.info({ turns: leftSinceFilling }, "outbox_emptied");
      leftSinceFilling = 0;
      isFull = false;
    },
    assertRoom(wanted) {
      if (bytes + wanted <= maxBytes) return;
      if (!isFull) log.error({ turns: size, bytes }, "outbox_full");
      isFull = true;
      throw storeUnavailable(`the outbox is full: ${size} turns wait`);
    },
    isFull: () => isFull,
  };
}
