import type { SessionCommit, SessionFields } from "../session-store.ts";
import type { TurnCommit } from "./delivery-hooks.ts";

export interface WaitingTurn {
  /** Of its record in the outbox; names are in the order in which turns came. */
  readonly name: string;
  readonly commit: TurnCommit;
  /** The turn before it was appended to another life of the session than the one it was sealed for. */
  readonly moved: boolean;
  /** Its record, as it lies in the outbox. */
  readonly record: Buffer;
}

interface WaitingRow {
  readonly moved: boolean;
  readonly key: string;
  readonly expected?: string | undefined;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly head: string;
  readonly turn: { readonly sequence: number; readonly id: string; readonly sealed: string };
  readonly slots?: readonly (readonly [name: string, sealed: string | null])[] | undefined;
  readonly known?: SessionCommit["known"] | undefined;
}

const VERSION = 1;

export function encodeWaiting({ head, turn, slots, ...plain }: TurnCommit, moved: boolean): Buffer {
  const row: WaitingRow = {
    ...plain,
    moved,
    head: head.toString("base64"),
    turn: { ...turn, sealed: turn.sealed.toString("base64") },
    slots: slots && [...slots].map(([name, sealed]) => [name, sealed && sealed.toString("base64")] as const),
  };
  return Buffer.from(JSON.stringify({ version: VERSION, row }));
}

/** @throws TypeError for what no outbox of this version wrote */
export function decodeWaiting(name: string, record: Buffer): WaitingTurn {
  const { version, row } = JSON.parse(record.toString("utf8")) as { version: number; row: WaitingRow };
  if (version !== VERSION) throw new TypeError(`a waiting turn of version ${version}`);
  const { moved, head, turn, slots, known, expected, ...plain } = row;
  const commit: TurnCommit = {
    ...plain,
    expected,
    head: bytesOf(head),
    turn: { ...turn, sealed: bytesOf(turn.sealed) },
    ...(slots && { slots: new Map(slots.map(([slot, sealed]) => [slot, sealed === null ? null : bytesOf(sealed)])) }),
    ...(known && { known }),
  };
  return { name, commit, moved, record };
}

const bytesOf = (base64: string): Buffer => Buffer.from(base64, "base64");
