/** Names of OWASP's Logging Vocabulary where it has one. A name is public API for ever. */
export const auditEvents = [
  "sys_startup",
  "session_created",
  "session_renewed",
  "session_expired",
  "session_deleted",
  "session_use_after_expire",
  "session_binding_changed",
  "malicious_direct_reference",
  "authn_login_success",
  "authn_login_fail",
  "authn_logout",
  "authn_token_created",
  "authn_token_revoked",
  "authz_fail",
  "privilege_permissions_changed",
  "excess_rate_limit_exceeded",
  "sensitive_read",
  "sensitive_create",
  "sensitive_delete",
  "crypt_decrypt_fail",
  "crypt_keys_rotated",
] as const;
export type AuditEvent = (typeof auditEvents)[number];
/** Besides what happened, a chain holds its own signed heads. */
export type EntryEvent = AuditEvent | "audit_head";

export interface AuditRecord {
  readonly event: AuditEvent;
  /** Who acted, or whose data it was. Stored only under a hash that dies with the user's data key. */
  readonly owner?: string;
  /** The client's address; kept as the configuration says, sealed. */
  readonly address?: string;
  /** What was touched, in words of the code (`sessions`, `turns`, …), and how many. Never content, never ids. */
  readonly counts?: Readonly<Record<string, number>>;
  /** Why or which, from a fixed list in the code, such as `idle`, `enforced`, `requests`. */
  readonly reason?: string;
}

export interface AuditPlace {
  readonly chain: string;
  readonly sequence: number;
}

/** The record of what was done with whose data. Append-only, chained, without content. */
export interface AuditLog {
  /** Takes note and returns at once. Never throws; what cannot be kept is counted, and the gap is chained. */
  record(record: AuditRecord): void;
  /**
   * Resolves when all that was recorded before the call is stored, to the place of the newest entry: the last of them, or
   * one that came behind. `undefined` when nothing was ever recorded. @throws GatewayError `store_unavailable`
   */
  flush(): Promise<AuditPlace | undefined>;
  /** Flushes, signs the chain's last head, and stops. Idempotent; never rejects. */
  close(): Promise<void>;
}

/** What was recorded by all processes, for people: newest first. Only what is stored can be seen; flush before. */
export interface AuditReader {
  /** @throws GatewayError `invalid_parameter` for a cursor that it did not give out; `store_unavailable` */
  latest(query: AuditQuery): Promise<AuditListing>;
}

export interface AuditQuery {
  readonly limit: number;
  /** Entries strictly older than this one. */
  readonly after?: string | undefined;
  /** Without one: all but the chains' own signed heads. */
  readonly event?: string | undefined;
  /** The owner whose entries are meant; only these show their address. */
  readonly user?: string | undefined;
}

export interface AuditListing {
  readonly entries: readonly ListedEntry[];
  /** Where to go on: the last entry that was looked at, listed or not. */
  readonly cursor: string | undefined;
  readonly hasMore: boolean;
}

export interface ListedEntry {
  /** Opaque; names the entry's place and serves as a cursor. */
  readonly id: string;
  readonly at: number;
  readonly event: string;
  readonly subject: string | undefined;
  readonly reason: string | undefined;
  readonly counts: Readonly<Record<string, number>> | undefined;
  /** Entries before this one that were lost. */
  readonly missing: number | undefined;
  /** As `audit.ip` kept it. */
  readonly address: string | undefined;
}
