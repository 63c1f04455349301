import { generateKeySync, type KeyObject } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { Clock } from "../kit/clock.ts";
import { ownBytes } from "../kit/own-bytes.ts";
import type { RecordStore } from "../store/record-store.ts";
import type { Keyring } from "./keyring.ts";

interface DataKeysOptions {
  readonly records: RecordStore;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly maxOwners: number;
}

export const DATA_KEY_PREFIX = "data-key:";

/**
 * One random key per owner, wrapped in the store. Each method resolves to the same object for as long as the store
 * holds the same key, and rejects with GatewayError `store_unavailable`, or `record_unreadable` when the stored key
 * cannot be opened.
 */
export interface DataKeys {
  /** `undefined` when the owner has none, or had one and was erased. */
  find(owner: string): Promise<KeyObject | undefined>;
  /** Makes the owner's key if there is none. */
  findOrMake(owner: string): Promise<KeyObject>;
  /** What the store says now, whatever is held. */
  reread(owner: string): Promise<KeyObject | undefined>;
  forget(owner: string): void;
  forgetAll(): void;
}

interface HeldKey {
  readonly key: KeyObject;
  /** As the store holds it: the same bytes need not be unwrapped again. */
  readonly wrapped: Buffer;
  /** When the store was asked, not when it answered: an erasure in between counts. */
  readonly readAt: number;
}

/** An erased key is used no longer than this by replicas that hold it. */
const MAX_AGE_MS = 60_000;
const KEY_BITS = 256;

export function createDataKeys({ records, keyring, clock, maxOwners }: DataKeysOptions): DataKeys {
  const held = new LRUCache<string, HeldKey>({ max: maxOwners });
  const reads = new Map<string, Promise<KeyObject | undefined>>();
  const makings = new Map<string, Promise<KeyObject>>();
  let timesForgotten = 0;

  const unwrap = async (owner: string, wrapped: Buffer): Promise<KeyObject> => {
    const known = held.peek(owner);
    if (known?.wrapped.equals(wrapped)) return known.key;
    const key = await keyring.unwrap(DATA_KEY_PREFIX + owner, wrapped);
    // A rewrapped key is the same key.
    return known?.key.equals(key) ? known.key : key;
  };
  /** What was asked for before an erasure was told must not be held after it. */
  const holder = (owner: string) => {
    const readAt = clock();
    const before = timesForgotten;
    return async (wrapped: Buffer): Promise<KeyObject> => {
      const key = await unwrap(owner, wrapped);
      if (before === timesForgotten) held.set(owner, { key, wrapped: ownBytes(wrapped), readAt });
      return key;
    };
  };
  const reread = async (owner: string): Promise<KeyObject | undefined> => {
    const hold = holder(owner);
    const wrapped = await records.read(DATA_KEY_PREFIX + owner);
    if (wrapped) return hold(wrapped);
    held.delete(owner);
    return undefined;
  };
  const make = async (owner: string): Promise<KeyObject> => {
    const hold = holder(owner);
    const name = DATA_KEY_PREFIX + owner;
    return hold(await records.putIfAbsent(name, await keyring.wrap(name, newDataKey())));
  };
  const find = async (owner: string): Promise<KeyObject | undefined> => {
    const entry = held.get(owner);
    if (entry && isFresh(entry, clock())) return entry.key;
    return shareRunning(reads, owner, reread);
  };

  return {
    find,
    findOrMake: async (owner) => (await find(owner)) ?? shareRunning(makings, owner, make),
    reread,
    forget(owner) {
      timesForgotten += 1;
      held.delete(owner);
      reads.delete(owner);
      makings.delete(owner);
    },
    forgetAll() {
      timesForgotten += 1;
      for (const all of [held, reads, makings]) all.clear();
    },
  };
}

/** However many ask at the same time, the store is asked once. */
function shareRunning<T>(
  running: Map<string, Promise<T>>,
  owner: string,
  start: (owner: string) => Promise<T>,
): Promise<T> {
  const known = running.get(owner);
  if (known) return known;
  const started = start(owner).finally(() => running.get(owner) === started && running.delete(owner));
  running.set(owner, started);
  return started;
}

const newDataKey = (): KeyObject => generateKeySync("hmac", { length: KEY_BITS });

/** A clock that was set back must not stretch the bound. */
function isFresh({ readAt }: HeldKey, now: number): boolean {
  return now >= readAt && now - readAt < MAX_AGE_MS;
}
