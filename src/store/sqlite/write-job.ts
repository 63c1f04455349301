import type { SessionFields } from "../session-store.ts";

/** What the main thread asks of the writer. Every job answers with a boolean. `now` is the store's clock. */
export type WriteJob = CommitJob | RemoveJob | PutKeyJob | AcquireLeaseJob | ReleaseLeaseJob | SweepJob;

/** True when written or already in place, false on a conflict. */
export interface CommitJob {
  readonly kind: "commit";
  readonly now: number;
  readonly key: string;
  readonly expected: string | undefined;
  readonly revision: string;
  readonly fields: SessionFields;
  readonly head: Uint8Array;
  readonly slots: readonly (readonly [name: string, sealed: Uint8Array | null])[];
  readonly turn: { readonly sequence: number; readonly id: string; readonly sealed: Uint8Array } | undefined;
}

/** True if a live session was removed. */
export interface RemoveJob {
  readonly kind: "remove";
  readonly now: number;
  readonly key: string;
}

/** True if nothing was there. */
interface PutKeyJob {
  readonly kind: "put-key";
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** True if acquired. */
interface AcquireLeaseJob {
  readonly kind: "acquire-lease";
  readonly now: number;
  readonly name: string;
  readonly holder: string;
  readonly until: number;
}

interface ReleaseLeaseJob {
  readonly kind: "release-lease";
  readonly name: string;
  readonly holder: string;
}

/** Deletes a few expired rows; true while there may be more. */
interface SweepJob {
  readonly kind: "sweep";
  readonly now: number;
}

export type WriteAnswer = boolean | WriteFailure;

export interface WriteFailure {
  /** `sequence-taken`: the caller's mistake. `unavailable`: the disk's, or another process holds the file. */
  readonly failure: "sequence-taken" | "unavailable";
  readonly reason: string;
}

/** A batch of jobs, or the wish to check-point and end. */
export type WriterMessage = { readonly jobs: readonly WriteJob[] } | "close";

/**
 * Copies every blob of the batch into one buffer that can be transferred. Cloning a pooled Buffer would copy its whole
 * 64 KB pool, and once for each that is sent.
 */
export function packJobs(jobs: readonly WriteJob[]): { jobs: WriteJob[]; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(jobs.flatMap(blobsOf).reduce((sum, blob) => sum + blob.byteLength, 0));
  let offset = 0;
  const move = (blob: Uint8Array): Uint8Array => {
    const moved = new Uint8Array(buffer, offset, blob.byteLength);
    moved.set(blob);
    offset += blob.byteLength;
    return moved;
  };
  return { jobs: jobs.map((job) => withBlobs(job, move)), buffer };
}

/** Bytes a job carries, to keep batches bounded. */
export function bytesOf(job: WriteJob): number {
  return blobsOf(job).reduce((sum, blob) => sum + blob.byteLength, 0);
}

function blobsOf(job: WriteJob): Uint8Array[] {
  if (job.kind === "put-key") return [job.bytes];
  if (job.kind !== "commit") return [];
  const blobs = [job.head, ...job.slots.flatMap(([, sealed]) => sealed ?? [])];
  return job.turn ? [...blobs, job.turn.sealed] : blobs;
}

function withBlobs(job: WriteJob, move: (blob: Uint8Array) => Uint8Array): WriteJob {
  if (job.kind === "put-key") return { ...job, bytes: move(job.bytes) };
  if (job.kind !== "commit") return job;
  return {
    ...job,
    head: move(job.head),
    slots: job.slots.map(([name, sealed]) => [name, sealed && move(sealed)] as const),
    turn: job.turn && { ...job.turn, sealed: move(job.turn.sealed) },
  };
}
