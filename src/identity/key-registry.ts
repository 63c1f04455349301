import type { Clock } from "../kit/clock.ts";
import type { Limits } from "../limits/limits.ts";
import type { KeyedHash } from "../sealing/keyed-hash.ts";
import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { StoreBackend } from "../store/store-backend.ts";
import {
  decodeIssuedKey,
  encodeIssuedKey,
  type IssuedKey,
  ISSUED_KEYS,
  issuedKeyName,
  mintKey,
  mintKeyId,
} from "./issued-key.ts";

/** Issues, lists and revokes keys. For commands beside the gateway, whose replicas hear of it by themselves. */
export interface KeyRegistry {
  /** The only time that anybody sees the key. */
  issue(order: KeyOrder): Promise<{ readonly key: string; readonly issued: IssuedKey }>;
  /** Every key ever issued, revoked and expired ones included, oldest first. */
  list(): Promise<IssuedKey[]>;
  /** Resolves to `undefined` when no key has this id. Revoking again changes nothing. */
  revoke(id: string): Promise<IssuedKey | undefined>;
}

export interface KeyOrder {
  readonly tenant: string;
  readonly user: string | undefined;
  readonly label: string;
  readonly limits: Limits | undefined;
  readonly expiresAt: number | undefined;
}

export interface KeyRegistryOptions {
  readonly store: Pick<StoreBackend, "records" | "notices">;
  readonly recordSealer: RecordSealer;
  readonly keyedHash: KeyedHash;
  readonly clock: Clock;
}

interface FoundKey {
  readonly name: string;
  readonly sealed: Buffer;
  readonly issued: IssuedKey;
}

const PAGE = 200;

export function createKeyRegistry({
  store: { records, notices },
  recordSealer,
  keyedHash,
  clock,
}: KeyRegistryOptions): KeyRegistry {
  const readAll = async (): Promise<FoundKey[]> => {
    const found: FoundKey[] = [];
    let after = "";
    for (;;) {
      const page = await records.list(ISSUED_KEYS, { limit: PAGE, after });
      for (const { name, bytes } of page) {
        found.push({ name, sealed: bytes, issued: decodeIssuedKey(recordSealer.open(name, bytes)) });
      }
      if (page.length < PAGE) return found;
      after = page.at(-1)?.name ?? after;
    }
  };
  const revoke = async (id: string): Promise<IssuedKey | undefined> => {
    const found = (await readAll()).find(({ issued }) => issued.id === id);
    if (!found || found.issued.revokedAt !== undefined) return found?.issued;
    const { name, sealed, issued } = found;
    const revoked = { ...issued, revokedAt: clock() };
    const bytes = recordSealer.seal(name, encodeIssuedKey(revoked));
    // Somebody else was at it, perhaps with the same intent.
    if (!(await records.replace(name, { expected: sealed, bytes }))) return revoke(id);
    await notices.post(`key ${id}`);
    return revoked;
  };
  return {
    async issue(order) {
      const key = mintKey();
      const name = issuedKeyName(keyedHash, key);
      if (name === undefined) throw new TypeError("a minted key has the shape of one");
      const issued = { ...order, id: mintKeyId(), createdAt: clock(), revokedAt: undefined };
      await records.putIfAbsent(name, recordSealer.seal(name, encodeIssuedKey(issued)));
      return { key, issued };
    },
    async list() {
      const found = await readAll();
      return found.map(({ issued }) => issued).toSorted((left, right) => left.createdAt - right.createdAt);
    },
    revoke,
  };
}
