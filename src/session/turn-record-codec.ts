import { GatewayError } from "../errors/gateway-error.ts";
import type { Usage } from "../protocol/chat-message.ts";
import { bytesOfMessages, type StoredMessage, type TurnRecord } from "./turn-record.ts";

/**
 * version (1 byte) | length of the meta (4 bytes, big endian) | meta (JSON) | message bytes, one after another.
 *
 * The text of messages stays outside the JSON: reading a turn parses none of it and copies none of it.
 */
const VERSION = 1;
const HEADER_LENGTH = 5;

/** All of a record but its place in the log. Absent members are the common case and cost nothing. */
interface TurnMeta {
  readonly at: number;
  readonly status: string;
  readonly model: string;
  readonly rewindTo?: string | undefined;
  readonly previousChoice: number;
  readonly messages: readonly MessageMeta[];
  readonly answers: readonly MessageMeta[];
  readonly finishReasons: readonly (string | null)[];
  readonly usage?: Usage | undefined;
  readonly requestHash: string;
  readonly idempotencyHash?: string | undefined;
}

interface MessageMeta {
  readonly role: string;
  readonly length: number;
  readonly tokens: number;
  readonly seen: string;
  /** Absent when redaction changed nothing. */
  readonly stored?: string | undefined;
  readonly toolCallIds?: readonly string[] | undefined;
  readonly toolCallId?: string | undefined;
  readonly redactions?: number | undefined;
}

export function encodeTurnRecord(record: TurnRecord): Buffer {
  const { messages, answers } = record;
  const meta: TurnMeta = {
    at: record.at,
    status: record.status,
    model: record.model,
    rewindTo: record.rewindTo,
    previousChoice: record.previousChoice,
    messages: messages.map(messageMeta),
    answers: answers.map(messageMeta),
    finishReasons: record.finishReasons,
    usage: record.usage,
    requestHash: record.requestHash,
    idempotencyHash: record.idempotencyHash,
  };
  const json = JSON.stringify(meta);
  const jsonLength = Buffer.byteLength(json);
  const start = HEADER_LENGTH + jsonLength;
  const encoded = Buffer.allocUnsafe(start + bytesOfMessages(messages) + bytesOfMessages(answers));
  encoded.writeUInt8(VERSION, 0);
  encoded.writeUInt32BE(jsonLength, 1);
  encoded.write(json, HEADER_LENGTH);
  writeBytes(encoded, writeBytes(encoded, start, messages), answers);
  return encoded;
}

function writeBytes(target: Buffer, at: number, messages: readonly StoredMessage[]): number {
  let end = at;
  for (const { bytes } of messages) end += bytes.copy(target, end);
  return end;
}

function messageMeta(message: StoredMessage): MessageMeta {
  const { role, bytes, tokens, seen, stored, toolCallIds, toolCallId, redactions } = message;
  return {
    role,
    length: bytes.length,
    tokens,
    seen,
    stored: stored === seen ? undefined : stored,
    toolCallIds: toolCallIds.length > 0 ? toolCallIds : undefined,
    toolCallId,
    redactions: redactions || undefined,
  };
}

/**
 * The record as it was encoded. Message bytes are views of `plaintext`.
 *
 * @throws GatewayError `record_unreadable` for anything that `encodeTurnRecord` did not write
 */
export function decodeTurnRecord(plaintext: Buffer, place: Pick<TurnRecord, "id" | "sequence">): TurnRecord {
  try {
    return readRecord(plaintext, place);
  } catch (cause) {
    throw new GatewayError("record_unreadable", `turn record ${place.sequence} is malformed`, { cause });
  }
}

function readRecord(plaintext: Buffer, { id, sequence }: Pick<TurnRecord, "id" | "sequence">): TurnRecord {
  expect(plaintext.readUInt8(0) === VERSION);
  const bodyStart = HEADER_LENGTH + plaintext.readUInt32BE(1);
  expect(bodyStart <= plaintext.length);
  const meta = fields(JSON.parse(plaintext.toString("utf8", HEADER_LENGTH, bodyStart)));
  const reader = messageReader(plaintext, bodyStart);
  const record: TurnRecord = {
    id,
    sequence,
    at: number(meta["at"]),
    status: oneOf(meta["status"], ["complete", "incomplete"]),
    model: string(meta["model"]),
    rewindTo: optional(meta["rewindTo"], string),
    previousChoice: count(meta["previousChoice"]),
    messages: list(meta["messages"], reader.next),
    answers: list(meta["answers"], reader.next),
    finishReasons: list(meta["finishReasons"], (reason) => (reason === null ? null : string(reason))),
    usage: optional(meta["usage"], readUsage),
    requestHash: string(meta["requestHash"]),
    idempotencyHash: optional(meta["idempotencyHash"], string),
  };
  // Also refuses messages that end behind the record: their views are short, but they are counted in full.
  expect(reader.isAtEnd());
  return record;
}

function messageReader(plaintext: Buffer, bodyStart: number) {
  let offset = bodyStart;
  return {
    next: (value: unknown): StoredMessage => {
      const meta = fields(value);
      const end = offset + count(meta["length"]);
      const bytes = plaintext.subarray(offset, end);
      offset = end;
      return { ...readMessage(meta), bytes };
    },
    isAtEnd: (): boolean => offset === plaintext.length,
  };
}

function readMessage(meta: Fields): Omit<StoredMessage, "bytes"> {
  const seen = string(meta["seen"]);
  return {
    role: string(meta["role"]),
    tokens: count(meta["tokens"]),
    seen,
    stored: optional(meta["stored"], string) ?? seen,
    toolCallIds: optional(meta["toolCallIds"], (ids) => list(ids, string)) ?? [],
    toolCallId: optional(meta["toolCallId"], string),
    redactions: optional(meta["redactions"], count) ?? 0,
  };
}

function readUsage(value: unknown): Usage {
  const usage = fields(value);
  return {
    promptTokens: number(usage["promptTokens"]),
    completionTokens: number(usage["completionTokens"]),
    cachedTokens: number(usage["cachedTokens"]),
    cacheWriteTokens: number(usage["cacheWriteTokens"]),
    textTokens: number(usage["textTokens"]),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function expect(holds: boolean): asserts holds {
  if (!holds) throw new TypeError("not a turn record");
}

function fields(value: unknown): Fields {
  expect(typeof value === "object" && value !== null);
  return value as Fields;
}

function string(value: unknown): string {
  expect(typeof value === "string");
  return value;
}

function number(value: unknown): number {
  expect(typeof value === "number");
  return value;
}

function count(value: unknown): number {
  expect(typeof value === "number" && Number.isSafeInteger(value) && value >= 0);
  return value;
}

function list<Item>(value: unknown, read: (item: unknown) => Item): Item[] {
  expect(Array.isArray(value));
  return value.map((item) => read(item));
}

function oneOf<Name extends string>(value: unknown, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  expect(found !== undefined);
  return found;
}

function optional<Read>(value: unknown, read: (value: unknown) => Read): Read | undefined {
  return value === undefined ? undefined : read(value);
}
