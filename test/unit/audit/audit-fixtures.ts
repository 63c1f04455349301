import { createSecretKey, randomBytes } from "node:crypto";

import { vi } from "vitest";

import { decodeEntry } from "../../../src/audit/audit-entry.ts";
import type { AuditLog } from "../../../src/audit/audit-log.ts";
import { createAuditSigner } from "../../../src/audit/audit-signer.ts";
import { createAuditLog } from "../../../src/audit/create-audit-log.ts";
import type { AddressDetail } from "../../../src/audit/kept-address.ts";
import { createSealer } from "../../../src/sealing/create-sealer.ts";
import type { AuditRow, AuditStore } from "../../../src/store/audit-store.ts";
import { createMemoryBackend } from "../../../src/store/memory/memory-backend.ts";
import { storeUnavailable } from "../../../src/store/store-unavailable.ts";
import { createHandClock } from "../../support/store-hand-clock.ts";
import { createRecordedLog } from "../../support/store-log.ts";
import { keyringOf } from "../sealing/sealing-fixtures.ts";

/** A store with keys in it, and the audit logs that processes beside it would write. */
export function auditWorld() {
  const clock = createHandClock(1_700_000_000_000);
  const backend = createMemoryBackend({ clock: clock.now });
  const signer = createAuditSigner(createSecretKey(randomBytes(32)));
  const keyring = keyringOf("master");
  const sealerOf = () => createSealer({ records: backend.records, keyring, clock: clock.now });
  const sealer = sealerOf();
  const log = createRecordedLog();
  const onFailure = vi.fn();
  const forwarded: string[] = [];
  const outage = { isOn: false, afterWriting: false };
  const store: AuditStore = {
    ...backend.audit,
    async append(rows) {
      if (outage.isOn && !outage.afterWriting) throw storeUnavailable("down");
      await backend.audit.append(rows);
      if (outage.isOn) throw storeUnavailable("timed out");
    },
  };
  return {
    backend,
    store,
    clock,
    signer,
    sealer,
    /** What another replica would seal with: nothing of it is cached. */
    sealerOf,
    log,
    onFailure,
    forwarded,
    outage,
    openLog: (addresses: AddressDetail = "truncated"): AuditLog =>
      createAuditLog({
        store,
        sealer,
        signer,
        addresses,
        clock: clock.now,
        log: log.log,
        onFailure,
        onEntry: (entry) => void forwarded.push(entry.toString("utf8")),
      }),
    /** Gives the owner a data key. */
    async meet(owner: string): Promise<void> {
      await sealer.forNewSession({ owner, key: "session", incarnation: "1" });
    },
    rows: () => storedRows(backend.audit),
  };
}

export async function storedRows(audit: AuditStore): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for (const { chain } of await audit.chains()) rows.push(...(await audit.read(chain, { from: 0, limit: 1_000_000 })));
  return rows;
}

export const entriesOf = (rows: readonly AuditRow[]) => rows.map(({ entry }) => decodeEntry(entry));
