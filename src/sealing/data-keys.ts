import { generateKeySync, type KeyObject } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { Clock } from "../kit/clock.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { Keyring } from "./keyring.ts";

interface DataKeysOptions {
  readonly records: RecordStore;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly maxOwners: number;
}

export interface DataKeys {
  /**
   * Makes the owner's key if there is none. Resolves to the same object for as long as the store holds the same key.
   * @throws GatewayError `store_unavailable`, or `record_unreadable` when the stored key cannot be opened
   */
  forOwner(owner: string): Promise<KeyObject>;
}

interface HeldKey {
  readonly key: KeyObject;
  /** When the store was asked, not when it answered: an erasure in between counts. */
  readonly readAt: number;
}

/** An erased key is used no longer than this by replicas that hold it. */
const MAX_AGE_MS = 60_000;
const KEY_BITS = 256;

export function createDataKeys({ records, keyring, clock, maxOwners }: DataKeysOptions): DataKeys {
  const held = new LRUCache<string, HeldKey>({ max: maxOwners });
  const reads = new Map<string, Promise<KeyObject>>();

  const read = async (owner: string): Promise<KeyObject> => {
    const readAt = clock();
    const name = `data-key:${owner}`;
    const stored = await records.read(name);
    const wrapped = stored ?? (await records.putIfAbsent(name, keyring.wrap(name, newDataKey())));
    const key = keyring.unwrap(name, wrapped);
    const before = held.peek(owner)?.key;
    const current = before?.equals(key) ? before : key;
    held.set(owner, { key: current, readAt });
    return current;
  };

  return {
    async forOwner(owner) {
      const entry = held.get(owner);
      if (entry && isFresh(entry, clock())) return entry.key;
      const running = reads.get(owner);
      if (running) return running;
      const started = read(owner).finally(() => reads.delete(owner));
      reads.set(owner, started);
      return started;
    },
  };
}

const newDataKey = (): KeyObject => generateKeySync("hmac", { length: KEY_BITS });

/** A clock that was set back must not stretch the bound. */
function isFresh({ readAt }: HeldKey, now: number): boolean {
  return now >= readAt && now - readAt < MAX_AGE_MS;
}
