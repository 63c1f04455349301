/**
 * Small named records that everything else hangs on: wrapped keys, issued keys, logins, links. Names are opaque.
 *
 * Every method rejects with GatewayError `store_unavailable` when the backend cannot answer. A record whose `expiresAt`
 * (milliseconds since the Unix epoch) is not after the store's clock counts as absent in every method; without one a
 * record stays for ever. What is acknowledged is as durable as the backend makes it.
 */
export interface RecordStore {
  /** `undefined` when nothing is there. */
  read(name: string): Promise<Buffer | undefined>;

  /** Writes if nothing is there, and resolves to what is there now: of racing writers all get the winner's. */
  putIfAbsent(name: string, bytes: Buffer, expiresAt?: number): Promise<Buffer>;

  /** Writes if the bytes that are there now are `expected`, as one atomic step. True if it did. */
  replace(name: string, change: RecordChange): Promise<boolean>;

  /**
   * True if there was one. Idempotent. Where the backend can, the bytes are also overwritten on disk: what is removed
   * here may be a key that somebody must never find.
   */
  remove(name: string): Promise<boolean>;

  /** Records whose names start with `prefix`, in the order of their names' UTF-8 bytes; by index, never by scan. */
  list(prefix: string, page: RecordPage): Promise<NamedRecord[]>;
}

export interface RecordChange {
  readonly expected: Buffer;
  readonly bytes: Buffer;
  readonly expiresAt?: number;
}

export interface RecordPage {
  readonly limit: number;
  /** Names strictly after this one; it need not exist. */
  readonly after?: string;
}

export interface NamedRecord {
  readonly name: string;
  readonly bytes: Buffer;
  /** Absent in a record that stays for ever. */
  readonly expiresAt?: number;
}
