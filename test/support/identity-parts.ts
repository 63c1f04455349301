import { createSecretKey } from "node:crypto";

import { expect } from "vitest";

import type { Caller } from "../../src/identity/principal.ts";
import { createKeyedHash } from "../../src/sealing/create-keyed-hash.ts";
import { createRecordSealer } from "../../src/sealing/record-sealer.ts";
import { createMemoryBackend } from "../../src/store/memory/memory-backend.ts";
import { openNoticePoller } from "../../src/store/poll-notices.ts";
import type { RecordStore } from "../../src/store/record-store.ts";
import { storeUnavailable } from "../../src/store/store-unavailable.ts";
import { createHandClock } from "./store-hand-clock.ts";
import { createRecordedLog } from "./store-log.ts";

const rootSecret = createSecretKey(Buffer.alloc(32, 7));
export const keyedHash = createKeyedHash(rootSecret);

/** What an identity stands on: a store that can be taken away, whose reads are counted, and a clock wound by hand. */
export async function createIdentityParts() {
  const clock = createHandClock();
  const store = createMemoryBackend({ clock: clock.now });
  const reads: string[] = [];
  let isAway = false;
  const asked = <T>(call: () => Promise<T>): Promise<T> => (isAway ? Promise.reject(storeUnavailable("away")) : call());
  const records: RecordStore = {
    read: (name) => {
      reads.push(name);
      return asked(() => store.records.read(name));
    },
    putIfAbsent: (...parts) => asked(() => store.records.putIfAbsent(...parts)),
    replace: (...parts) => asked(() => store.records.replace(...parts)),
    remove: (name) => asked(() => store.records.remove(name)),
    list: (...parts) => asked(() => store.records.list(...parts)),
  };
  const poller = await openNoticePoller({ notices: store.notices, clock: clock.now, log: createRecordedLog().log });
  return {
    clock: clock.now,
    advance: (ms: number) => clock.advance(ms),
    records,
    reads,
    posts: store.notices,
    notices: poller,
    recordSealer: createRecordSealer(rootSecret),
    keyedHash,
    storeAway: (away: boolean) => void (isAway = away),
    close: () => poller.close(),
  };
}
export type IdentityParts = Awaited<ReturnType<typeof createIdentityParts>>;

export const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

export const callerWith = (headers: Readonly<Record<string, string>>, method = "GET"): Caller => ({
  method,
  headers,
  address: "127.0.0.1",
});

export const refusedAs = (code: string) => expect.objectContaining({ name: "GatewayError", code });
