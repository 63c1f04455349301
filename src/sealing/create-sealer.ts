import type { KeyObject } from "node:crypto";

import { LRUCache } from "lru-cache";

import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { RecordStore } from "../store/record-store.ts";
import { createAuditSealer } from "./audit-sealer.ts";
import { createDataKeys } from "./data-keys.ts";
import type { Keyring } from "./keyring.ts";
import { createNonceSource } from "./nonce-source.ts";
import { createSessionSealer, type OwnSealer } from "./sealed-record.ts";
import type { AuditSealer, Sealer, SessionIdentity } from "./sealer.ts";

interface SealerOptions {
  readonly records: RecordStore;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly maxOwners?: number;
  readonly maxSessions?: number;
  readonly maxRecordBytes?: number;
}

interface HeldSealer {
  readonly identity: SessionIdentity;
  readonly dataKey: KeyObject;
  readonly sealer: OwnSealer;
}

interface HeldAuditSealer {
  readonly dataKey: KeyObject;
  readonly sealer: AuditSealer;
}

/** Seals as `sealed-record.ts` describes, under keys derived from one random data key per owner. */
export function createSealer(options: SealerOptions): Sealer {
  const { records, keyring, clock, maxOwners = 10_000, maxSessions = 2_000, maxRecordBytes = 64 * 2 ** 20 } = options;
  const dataKeys = createDataKeys({ records, keyring, clock, maxOwners });
  const held = new LRUCache<string, HeldSealer>({ max: maxSessions });
  const writeNonce = createNonceSource();
  const heldForAudit = new LRUCache<string, HeldAuditSealer>({ max: maxSessions });
  const derive = (dataKey: KeyObject, identity: SessionIdentity): OwnSealer => {
    const entry = held.get(identity.key);
    if (entry?.dataKey === dataKey && isSame(entry.identity, identity)) return entry.sealer;
    const sealer = createSessionSealer({ dataKey, identity, writeNonce, maxRecordBytes });
    held.set(identity.key, { identity, dataKey, sealer });
    return sealer;
  };
  // The data key is asked for every time, so a derived key lives no longer than the one that it came from.
  return {
    async forSession(identity) {
      const dataKey = await dataKeys.find(identity.owner);
      if (!dataKey) throw new GatewayError("record_unreadable", "the data key of a stored session is gone");
      return derive(dataKey, identity);
    },
    forNewSession: async (identity) => derive(await dataKeys.findOrMake(identity.owner), identity),
    async isCurrent(identity, sealed) {
      const dataKey = await dataKeys.reread(identity.owner);
      return dataKey !== undefined && derive(dataKey, identity).hasSealed(sealed);
    },
    forget(owner) {
      dataKeys.forget(owner);
      heldForAudit.delete(owner);
      for (const [key, entry] of held.entries()) if (entry.identity.owner === owner) held.delete(key);
    },
    forgetAll() {
      dataKeys.forgetAll();
      held.clear();
      heldForAudit.clear();
    },
    async forAudit(owner) {
      const dataKey = await dataKeys.find(owner);
      if (!dataKey) return undefined;
      const entry = heldForAudit.get(owner);
      if (entry?.dataKey === dataKey) return entry.sealer;
      const sealer = createAuditSealer({ dataKey, owner, writeNonce, maxRecordBytes });
      heldForAudit.set(owner, { dataKey, sealer });
      return sealer;
    },
  };
}

const isSame = (one: SessionIdentity, other: SessionIdentity): boolean =>
  one.owner === other.owner && one.key === other.key && one.incarnation === other.incarnation;
