import { type SealedTurn, type SessionFields, type StoredSession, unchangedSession } from "../session-store.ts";

/** What a script answers: bulk strings as Buffers, integers as numbers, missing values as null. */
export type Reply = readonly (Buffer | number | null)[];

export const TURN_ID_LENGTH = 32;

/** The snapshot that `loadLua` and a conflict of `commitLua` answer with. */
export function parseSnapshot(reply: Reply): StoredSession | undefined {
  if (reply.length === 0) return undefined;
  const [revision = "", createdAt, expiresAt, loadFrom, owner] = textAt(reply, 0).split(" ");
  if (!createdAt || !owner) throw unexpectedAnswer();
  const times = { createdAt: Number(createdAt), expiresAt: Number(expiresAt) };
  const fields = { owner, ...times, loadFrom: Number(loadFrom) };
  if (reply.length === 1) return unchangedSession(revision, fields);

  const endOfSlots = 3 + 2 * numberAt(reply, 2);
  const slots = new Map<string, Buffer>();
  for (let at = 3; at < endOfSlots; at += 2) slots.set(textAt(reply, at), bufferAt(reply, at + 1));
  return { revision, fields, head: bufferAt(reply, 1), slots, turns: parseTurns(reply.slice(endOfSlots)) };
}

/** The first sequence and then one value per turn; null where a turn is missing. */
export function parseTurns(reply: Reply): SealedTurn[] {
  if (reply.length === 0) return [];
  const first = numberAt(reply, 0);
  return reply.slice(1).flatMap((turn, index) => {
    if (!Buffer.isBuffer(turn)) return [];
    const id = turn.toString("latin1", 0, TURN_ID_LENGTH);
    return [{ sequence: first + index, id, sealed: turn.subarray(TURN_ID_LENGTH) }];
  });
}

/** Owner, createdAt, expiresAt, loadFrom. */
export function parseFields(reply: Reply): SessionFields {
  return {
    owner: textAt(reply, 0),
    createdAt: numberAt(reply, 1),
    expiresAt: numberAt(reply, 2),
    loadFrom: numberAt(reply, 3),
  };
}

/** @throws TypeError when the server answered in a shape that the script cannot have made */
export function asReply(value: unknown): Reply {
  if (!Array.isArray(value)) throw unexpectedAnswer();
  return value as Reply;
}

export function textAt(reply: Reply, index: number): string {
  return bufferAt(reply, index).toString();
}

function numberAt(reply: Reply, index: number): number {
  const value = reply[index];
  return typeof value === "number" ? value : Number(textAt(reply, index));
}

export function bufferAt(reply: Reply, index: number): Buffer {
  const value = reply[index];
  if (!Buffer.isBuffer(value)) throw unexpectedAnswer();
  return value;
}

const unexpectedAnswer = (): TypeError => new TypeError("unexpected answer of a Redis script");
