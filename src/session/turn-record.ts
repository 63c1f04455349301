import type { HistoryMessage } from "../history/history-strategy.ts";
import type { Usage } from "../protocol/chat-message.ts";

/** A stored message: redacted bytes, and the fingerprints of what the client saw and of what is stored. */
export interface StoredMessage extends HistoryMessage {
  readonly seen: string;
  readonly stored: string;
}

/** One turn as it is sealed. Records form a log; `rewindTo` makes the active transcript of it. */
export interface TurnRecord {
  /** 32 lowercase hex digits. */
  readonly id: string;
  /** Position in the session's log of records. */
  readonly sequence: number;
  readonly at: number;
  readonly status: "complete" | "incomplete";
  readonly model: string;
  /** The record replaces everything after this active turn; "" replaces all; `undefined` appends. */
  readonly rewindTo: string | undefined;
  /** Which choice of the turn before this one the client went on from. */
  readonly previousChoice: number;
  /** The request's new messages. */
  readonly messages: readonly StoredMessage[];
  /** One per choice; empty when nothing usable arrived. */
  readonly answers: readonly StoredMessage[];
  readonly finishReasons: readonly (string | null)[];
  readonly usage: Usage | undefined;
  /** SHA-256 of the request body. */
  readonly requestHash: string;
  /** Keyed hash of the `Idempotency-Key`. */
  readonly idempotencyHash: string | undefined;
}

/** Of all texts together. */
export function bytesOfMessages(messages: readonly Pick<HistoryMessage, "bytes">[]): number {
  let size = 0;
  for (const { bytes } of messages) size += bytes.length;
  return size;
}
