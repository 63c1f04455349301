export type StoreOperation =
  | "load"
  | "readTurns"
  | "commit"
  | "remove"
  | "list"
  | "count"
  | "removeOwner"
  | "scan"
  | "readRecord"
  | "putRecord"
  | "replaceRecord"
  | "removeRecord"
  | "listRecords"
  | "takeQuota"
  | "holdPlaces"
  | "forgetQuota"
  | "postNotice"
  | "readNotices"
  | "appendAudit"
  | "readAudit"
  | "acquireLease"
  | "releaseLease"
  | "putVectors"
  | "findVectors"
  | "ping";

/** `refused`: the circuit was open and the backend was not asked. `failed`: the caller's or our own mistake. */
export type StoreCallOutcome = "ok" | "timeout" | "unavailable" | "refused" | "failed";

export type TellStoreCall = (operation: StoreOperation, outcome: StoreCallOutcome, ms: number) => void;
