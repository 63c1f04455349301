import { type CommitRow, decodeCommit, encodeCommit } from "./commit-row.ts";
import type { CommitJob, WriteJob } from "./write-job.ts";

type OtherJob = Exclude<WriteJob, CommitJob>;
type MoveBlob = (blob: Uint8Array) => Uint8Array;

/** A batch as it is posted: its buffer is transferred. */
export interface PackedJobs {
  readonly jobs: readonly (CommitRow | OtherJob)[];
  readonly buffer: ArrayBuffer;
}

/** A batch of jobs, or the wish to check-point and end. */
export type WriterMessage = PackedJobs | "close";

/**
 * Copies every blob of the batch into one buffer that can be transferred. Cloning a pooled Buffer would copy its whole
 * 64 KB pool, and once for each that is sent.
 */
export function packJobs(jobs: readonly WriteJob[]): PackedJobs {
  const bytes = new Uint8Array(jobs.reduce((sum, job) => sum + bytesOf(job), 0));
  let offset = 0;
  const put = (blob: Uint8Array): void => {
    bytes.set(blob, offset);
    offset += blob.byteLength;
  };
  const move: MoveBlob = (blob) => {
    put(blob);
    return bytes.subarray(offset - blob.byteLength, offset);
  };
  const packed = jobs.map((job) => (job.kind === "commit" ? encodeCommit(job, { offset, put }) : withBlobs(job, move)));
  return { jobs: packed, buffer: bytes.buffer };
}

export function unpackJobs({ jobs, buffer }: PackedJobs): WriteJob[] {
  return jobs.map((job) => ("kind" in job ? job : decodeCommit(job, buffer)));
}

/** Bytes a job carries, to keep batches bounded. */
export function bytesOf(job: WriteJob): number {
  switch (job.kind) {
    case "commit":
      return job.slots.reduce(
        (sum, [, sealed]) => sum + (sealed?.byteLength ?? 0),
        job.head.byteLength + (job.turn?.sealed.byteLength ?? 0),
      );
    case "put-record":
      return job.bytes.byteLength;
    case "replace-record":
      return job.expected.byteLength + job.bytes.byteLength;
    case "append-audit":
      return job.rows.reduce((sum, { entry, details }) => sum + entry.byteLength + (details?.byteLength ?? 0), 0);
    default:
      return 0;
  }
}

function withBlobs(job: OtherJob, move: MoveBlob): OtherJob {
  switch (job.kind) {
    case "put-record":
      return { ...job, bytes: move(job.bytes) };
    case "replace-record":
      return { ...job, expected: move(job.expected), bytes: move(job.bytes) };
    case "append-audit": {
      const rows = job.rows.map((row) => ({
        ...row,
        entry: move(row.entry),
        details: row.details && move(row.details),
      }));
      return { ...job, rows };
    }
    default:
      return job;
  }
}
