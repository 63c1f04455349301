import type { AuditRow } from "../audit-store.ts";
import type { QuotaGrant } from "../quota-store.ts";
import type { SessionFields } from "../session-store.ts";

/** What the main thread asks of the writer, by kind. `now` is the store's clock. */
export interface WriteJobs {
  readonly commit: CommitJob;
  readonly remove: RemoveJob;
  readonly "remove-owner": RemoveOwnerJob;
  readonly "put-record": PutRecordJob;
  readonly "replace-record": ReplaceRecordJob;
  readonly "remove-record": RemoveRecordJob;
  readonly "take-quota": TakeQuotaJob;
  readonly "hold-places": HoldPlacesJob;
  readonly "forget-quota": ForgetQuotaJob;
  readonly "post-notice": PostNoticeJob;
  readonly "append-audit": AppendAuditJob;
  readonly "acquire-lease": AcquireLeaseJob;
  readonly "release-lease": ReleaseLeaseJob;
  readonly sweep: SweepJob;
}

export interface JobAnswers {
  /** True when written or already in place, false on a conflict. */
  readonly commit: boolean;
  /** True if a live session was removed. */
  readonly remove: boolean;
  readonly "remove-owner": RemovedSessions;
  /** The bytes that are there now. */
  readonly "put-record": Uint8Array;
  readonly "replace-record": boolean;
  /** True if a live record was removed. */
  readonly "remove-record": boolean;
  readonly "take-quota": QuotaGrant;
  readonly "hold-places": number;
  readonly "forget-quota": boolean;
  readonly "post-notice": boolean;
  /** The sequence of a place that another row has; then nothing is written. */
  readonly "append-audit": number | undefined;
  readonly "acquire-lease": boolean;
  readonly "release-lease": boolean;
  /** True while there may be more to delete. */
  readonly sweep: boolean;
}

export type JobKind = keyof WriteJobs;
export type WriteJob = WriteJobs[JobKind];
export type JobAnswer = JobAnswers[JobKind];

/** One function for each kind of job; each runs inside the transaction that the caller has open. */
export type JobHandlers = { readonly [Kind in JobKind]: (job: WriteJobs[Kind]) => JobAnswers[Kind] };

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

interface RemoveJob {
  readonly kind: "remove";
  readonly now: number;
  readonly key: string;
}

/** Removes a few sessions of the owner, live or expired. */
interface RemoveOwnerJob {
  readonly kind: "remove-owner";
  readonly now: number;
  readonly owner: string;
}

interface RemovedSessions {
  /** How many of the removed ones were live. */
  readonly live: number;
  readonly isDone: boolean;
}

/** Writes if nothing is there. */
interface PutRecordJob {
  readonly kind: "put-record";
  readonly now: number;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly expiresAt: number | undefined;
}

interface ReplaceRecordJob {
  readonly kind: "replace-record";
  readonly now: number;
  readonly name: string;
  readonly expected: Uint8Array;
  readonly bytes: Uint8Array;
  readonly expiresAt: number | undefined;
}

interface RemoveRecordJob {
  readonly kind: "remove-record";
  readonly now: number;
  readonly name: string;
}

interface TakeQuotaJob {
  readonly kind: "take-quota";
  readonly name: string;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly limit: number;
  readonly want: number;
}

interface HoldPlacesJob {
  readonly kind: "hold-places";
  readonly now: number;
  readonly name: string;
  readonly holder: string;
  readonly count: number;
  readonly limit: number;
  readonly until: number;
}

interface ForgetQuotaJob {
  readonly kind: "forget-quota";
  readonly name: string;
}

interface PostNoticeJob {
  readonly kind: "post-notice";
  readonly notice: string;
  readonly until: number;
}

interface AppendAuditJob {
  readonly kind: "append-audit";
  readonly rows: readonly AuditJobRow[];
}

export type AuditJobRow = Omit<AuditRow, "entry" | "details"> & {
  readonly entry: Uint8Array;
  readonly details: Uint8Array | undefined;
};

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

/** Deletes a few expired rows. */
interface SweepJob {
  readonly kind: "sweep";
  readonly now: number;
}

export type WriteAnswer = JobAnswer | WriteFailure;

export interface WriteFailure {
  /** `sequence-taken`: the caller's mistake. `unavailable`: the disk's, or another process holds the file. */
  readonly failure: "sequence-taken" | "unavailable";
  readonly reason: string;
}

export function isFailure(answer: WriteAnswer): answer is WriteFailure {
  return typeof answer === "object" && "failure" in answer;
}
