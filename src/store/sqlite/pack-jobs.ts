import type { WriteJob } from "./write-job.ts";

type MoveBlob = (blob: Uint8Array) => Uint8Array;

/**
 * Copies every blob of the batch into one buffer that can be transferred. Cloning a pooled Buffer would copy its whole
 * 64 KB pool, and once for each that is sent.
 */
export function packJobs(jobs: readonly WriteJob[]): { jobs: WriteJob[]; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(jobs.reduce((sum, job) => sum + bytesOf(job), 0));
  let offset = 0;
  const move: MoveBlob = (blob) => {
    const moved = new Uint8Array(buffer, offset, blob.byteLength);
    moved.set(blob);
    offset += blob.byteLength;
    return moved;
  };
  return { jobs: jobs.map((job) => withBlobs(job, move)), buffer };
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

function withBlobs(job: WriteJob, move: MoveBlob): WriteJob {
  switch (job.kind) {
    case "commit":
      return {
        ...job,
        head: move(job.head),
        slots: job.slots.map(([name, sealed]) => [name, sealed && move(sealed)] as const),
        turn: job.turn && { ...job.turn, sealed: move(job.turn.sealed) },
      };
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
