import type { Clock } from "../../kit/clock.ts";
import type { KeyStore } from "../key-store.ts";
import type { LeaseStore } from "../lease-store.ts";
import type { StoreBackend } from "../store-backend.ts";
import { storeUnavailable } from "../store-unavailable.ts";
import { createMemorySessionStore } from "./memory-session-store.ts";

export interface MemoryBackendOptions {
  readonly clock: Clock;
}

/** Keeps everything in this process and loses it with the process. For tests and trials. */
export function createMemoryBackend({ clock }: MemoryBackendOptions): StoreBackend {
  let closed = false;
  const refuseWhenClosed = (): void => {
    if (closed) throw storeUnavailable("the memory store is closed");
  };
  return {
    sessions: createMemorySessionStore(clock, refuseWhenClosed),
    keys: createMemoryKeyStore(refuseWhenClosed),
    leases: createMemoryLeaseStore(clock, refuseWhenClosed),
    async ping() {
      refuseWhenClosed();
    },
    async close() {
      closed = true;
    },
  };
}

function createMemoryKeyStore(refuseWhenClosed: () => void): KeyStore {
  const entries = new Map<string, Buffer>();
  return {
    async read(name) {
      refuseWhenClosed();
      const bytes = entries.get(name);
      return bytes && Buffer.from(bytes);
    },
    async putIfAbsent(name, bytes) {
      refuseWhenClosed();
      const held = entries.get(name) ?? Buffer.from(bytes);
      entries.set(name, held);
      return Buffer.from(held);
    },
  };
}

function createMemoryLeaseStore(clock: Clock, refuseWhenClosed: () => void): LeaseStore {
  const leases = new Map<string, { holder: string; until: number }>();
  return {
    async acquire(name, holder, ttlMs) {
      refuseWhenClosed();
      const lease = leases.get(name);
      if (lease && lease.until > clock()) return false;
      leases.set(name, { holder, until: clock() + ttlMs });
      return true;
    },
    async release(name, holder) {
      refuseWhenClosed();
      if (leases.get(name)?.holder === holder) leases.delete(name);
    },
  };
}
