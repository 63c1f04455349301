import type { Log } from "../kit/log.ts";
import { ownBytes } from "../kit/own-bytes.ts";
import { repeat } from "../kit/repeat.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { Keyring } from "./keyring.ts";
import { ROOT_SECRET_NAME, type RootSecret } from "./root-secret.ts";

interface WatchOptions {
  readonly records: RecordStore;
  readonly keyring: Keyring;
  readonly rootSecret: RootSecret;
  readonly log: Log;
  /** Told before the secret is put back, and again a second later if it rejects. */
  readonly onLost: () => Promise<void>;
  /** Told once: what this process writes under its secret, nobody will find. */
  readonly onReplaced: () => void;
}

export interface RootSecretWatch {
  /** Looks now, without waiting for the next second. Never rejects: that the store is away is said by its breaker. */
  look(): Promise<void>;
  close(): void;
}

const EVERY_MS = 1_000;

/**
 * Looks once a second whether the store still holds the root secret. A store may come back empty while gateways run: a
 * Redis that keeps nothing on disk, a failover to a replica that had copied nothing. Whoever starts then would make a
 * secret of its own, and the same session would have one name there and another here. So the secret is put back, and
 * where another one lies already, this process is told to end.
 */
export function watchRootSecret(options: WatchOptions): RootSecretWatch {
  const { records, keyring, rootSecret, log, onLost, onReplaced } = options;
  let known = rootSecret.wrapped;
  let refused: Buffer | undefined;

  const putBack = async (): Promise<Buffer> => {
    await onLost();
    log.error({}, "store_lost");
    return records.putIfAbsent(ROOT_SECRET_NAME, known);
  };
  const compare = async (): Promise<void> => {
    const found = (await records.read(ROOT_SECRET_NAME)) ?? (await putBack());
    if (found.equals(known) || refused?.equals(found)) return;
    // Master keys are rotated beside running gateways: other bytes may hold the same secret.
    const key = await keyring.unwrap(ROOT_SECRET_NAME, found).catch(() => undefined);
    if (key?.equals(rootSecret.key)) {
      known = ownBytes(found);
      return;
    }
    refused = ownBytes(found);
    log.error({}, key ? "root_secret_replaced" : "root_secret_unreadable");
    if (key) onReplaced();
  };
  const look = (): Promise<void> => compare().catch(() => undefined);
  return { look, close: repeat(EVERY_MS, look) };
}
