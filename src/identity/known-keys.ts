import { LRUCache } from "lru-cache";

import { GatewayError, hasCode } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { RecordSealer } from "../sealing/record-sealer.ts";
import type { NoticeListener } from "../store/notice-listener.ts";
import type { RecordStore } from "../store/record-store.ts";
import { decodeIssuedKey, isInForce, type IssuedKey } from "./issued-key.ts";

/** Issued keys by the names of their records. A revoked key is refused here 5 s later at the latest. */
export interface KnownKeys {
  /**
   * `undefined` for a key that is unknown, revoked or expired.
   * @throws GatewayError `store_unavailable` when that cannot be known: nothing passes for want of an answer
   */
  find(name: string): Promise<IssuedKey | undefined>;
}

export interface KnownKeysOptions {
  readonly records: RecordStore;
  readonly recordSealer: RecordSealer;
  readonly notices: NoticeListener;
  readonly clock: Clock;
}

interface HeldKey {
  readonly key: IssuedKey | undefined;
  /** When the reading of it began: what was written later is not in it. */
  readonly readAt: number;
}

const REFRESH_AFTER_MS = 2_000;
const STALE_AFTER_MS = 5_000;
/** How long a key that is known serves while the store is away. */
const OUTAGE_MS = 300_000;
const MAX_HELD = 10_000;
/** Whoever tries keys at random must not become the store's main client; keys that are held are never counted. */
const NEW_NAMES_PER_SECOND = 200;

export function createKnownKeys({ records, recordSealer, notices, clock }: KnownKeysOptions): KnownKeys {
  const known = new LRUCache<string, HeldKey>({ max: MAX_HELD });
  // Apart, so that no flood of wrong keys drives out the right ones.
  const unknown = new LRUCache<string, HeldKey>({ max: MAX_HELD });
  const reading = new Map<string, Promise<IssuedKey | undefined>>();
  const admitNewName = createNameGate(clock);
  notices.on("key", (id) => known.forEach(({ key }, name) => key?.id === id && known.delete(name)));

  const readNow = async (name: string): Promise<IssuedKey | undefined> => {
    const readAt = clock();
    const sealed = await records.read(name);
    const key = sealed && decodeIssuedKey(recordSealer.open(name, sealed));
    known.delete(name);
    (key ? known : unknown).set(name, { key, readAt });
    return key;
  };
  const read = (name: string): Promise<IssuedKey | undefined> => {
    const running = reading.get(name);
    if (running) return running;
    const started = readNow(name).finally(() => reading.delete(name));
    reading.set(name, started);
    return started;
  };
  const current = async (name: string): Promise<IssuedKey | undefined> => {
    const held = known.get(name) ?? unknown.get(name);
    const age = held ? clock() - held.readAt : Infinity;
    if (held && age < STALE_AFTER_MS) {
      if (held.key && age >= REFRESH_AFTER_MS) read(name).catch(() => undefined);
      return held.key;
    }
    if (!held) admitNewName();
    try {
      return await read(name);
    } catch (error) {
      const isOutage = hasCode(error, "store_unavailable");
      if (isOutage && held?.key && age < OUTAGE_MS) return held.key;
      throw error;
    }
  };
  return {
    async find(name) {
      const key = await current(name);
      return key && isInForce(key, clock()) ? key : undefined;
    },
  };
}

/** @throws GatewayError `store_unavailable`, from the returned function */
function createNameGate(clock: Clock): () => void {
  let second = 0;
  let names = 0;
  return () => {
    const now = Math.floor(clock() / 1_000);
    if (now !== second) [second, names] = [now, 0];
    names += 1;
    if (names <= NEW_NAMES_PER_SECOND) return;
    throw new GatewayError("store_unavailable", "too many keys are tried that nobody here has seen", {
      publicDetail: "Too many unknown keys are being tried. Retry.",
    });
  };
}
