import type { CommitJob } from "./write-job.ts";

/**
 * A commit on its way to the writer. Cloning writes every name of an object anew and is slow at views, so it goes as one
 * row of plain values; its head, its turn and its slots lie one behind another in the batch's buffer.
 */
export type CommitRow = readonly [
  offset: number,
  headBytes: number,
  now: number,
  key: string,
  expected: string | undefined,
  revision: string,
  owner: string,
  createdAt: number,
  expiresAt: number,
  loadFrom: number,
  turn: readonly [sequence: number, id: string, sealedBytes: number] | undefined,
  slots: readonly (readonly [name: string, sealedBytes: number | null])[],
];

interface BlobPlace {
  readonly offset: number;
  /** Copies the blob to the place behind the one before. */
  readonly put: (blob: Uint8Array) => void;
}

export function encodeCommit(job: CommitJob, { offset, put }: BlobPlace): CommitRow {
  const { now, key, expected, revision, fields, head, turn, slots } = job;
  const { owner, createdAt, expiresAt, loadFrom } = fields;
  put(head);
  if (turn) put(turn.sealed);
  for (const [, sealed] of slots) if (sealed) put(sealed);
  const turnRow = turn && ([turn.sequence, turn.id, turn.sealed.byteLength] as const);
  const slotRows = slots.map(([name, sealed]) => [name, sealed && sealed.byteLength] as const);
  return [
    offset,
    head.byteLength,
    now,
    key,
    expected,
    revision,
    owner,
    createdAt,
    expiresAt,
    loadFrom,
    turnRow,
    slotRows,
  ];
}

export function decodeCommit(row: CommitRow, buffer: ArrayBuffer): CommitJob {
  const [begin, headBytes, now, key, expected, revision, owner, createdAt, expiresAt, loadFrom, turn, slots] = row;
  let offset = begin;
  const take = (bytes: number): Uint8Array => {
    const blob = new Uint8Array(buffer, offset, bytes);
    offset += bytes;
    return blob;
  };
  return {
    kind: "commit",
    now,
    key,
    expected,
    revision,
    fields: { owner, createdAt, expiresAt, loadFrom },
    head: take(headBytes),
    turn: turn && { sequence: turn[0], id: turn[1], sealed: take(turn[2]) },
    slots: slots.map(([name, bytes]) => [name, bytes === null ? null : take(bytes)] as const),
  };
}
