import { GatewayError } from "../errors/gateway-error.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Sealer } from "../sealing/sealer.ts";
import type { AuditStore } from "../store/audit-store.ts";
import { createAuditBuffer } from "./audit-buffer.ts";
import type { AuditLog } from "./audit-log.ts";
import { createParticulars } from "./audit-particulars.ts";
import type { AuditSigner } from "./audit-signer.ts";
import { createAuditWriter } from "./audit-writer.ts";
import type { AddressDetail } from "./kept-address.ts";

interface AuditLogOptions {
  readonly store: AuditStore;
  readonly sealer: Pick<Sealer, "forAudit">;
  readonly signer: AuditSigner;
  readonly addresses: AddressDetail;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each record that was lost, and of each try to store that failed. */
  readonly onFailure: () => void;
  /** Told of each entry once it is stored: for a second place. */
  readonly onEntry: (entry: Buffer) => void;
}

/** Records that wait while the store is down. */
export const MAX_WAITING = 10_000;
const MAX_BATCH = 100;
const BATCH_MS = 100;
const RETRY_MS = 1_000;
const SIGN_MS = 5_000;

/** One chain per process, written behind the requests: see docs/decisions/2026-11-26-audit-chain.md. */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { store, signer, clock, log, onFailure, onEntry } = options;
  const readParticulars = createParticulars(options.sealer, options.addresses);
  const writer = createAuditWriter({ store, signer, readParticulars, onEntry });
  const buffer = createAuditBuffer(MAX_WAITING);
  const timers = createTimers();
  let running: Promise<void> | undefined;
  let isFailing = false;
  let closing: Promise<void> | undefined;

  const isUnsigned = (): boolean => writer.unsigned > 0 || buffer.lost > 0;
  const sign = async (): Promise<void> => {
    await writer.finish();
    if (isUnsigned()) await writer.sign(clock(), buffer.takeLost());
  };
  const writeAll = async (): Promise<void> => {
    await writer.finish();
    while (buffer.size > 0) await writer.write(buffer.take(MAX_BATCH));
  };
  /** One at a time, and each change between failing and working is one line. */
  const run = (work: () => Promise<void>): Promise<void> => {
    const before = running ?? Promise.resolve();
    const current = before.catch(() => undefined).then(work);
    running = current.then(
      () => {
        if (isFailing) log.info({ missing: buffer.lost }, "audit_log_recovered");
        isFailing = false;
      },
      (error: unknown) => {
        onFailure();
        if (!isFailing) log.error({ code: codeOf(error), waiting: buffer.size }, "audit_log_failing");
        isFailing = true;
      },
    );
    return running.then(() => current);
  };
  const writeSoon = (): void => {
    if (closing) return;
    timers.after("write", isFailing ? RETRY_MS : BATCH_MS, () => void background(writeAll));
  };
  const background = async (work: () => Promise<void>): Promise<void> => {
    await run(work).catch(() => undefined);
    if (isFailing || buffer.size > 0) writeSoon();
    else if (isUnsigned() && !closing) timers.after("sign", SIGN_MS, () => void background(sign));
  };

  return {
    record(record) {
      if (closing || !buffer.push(record, clock())) return onFailure();
      writeSoon();
    },
    async flush() {
      const isLost = buffer.lost > 0;
      await run(writeAll);
      if (isLost) throw new GatewayError("store_unavailable", "audit records were lost");
      return writer.end;
    },
    close() {
      timers.clear();
      closing ??= run(async () => {
        await writeAll();
        await sign();
      }).catch(() => log.error({ missing: buffer.size + buffer.lost }, "audit_log_closed_incomplete"));
      return closing;
    },
  };
}

const codeOf = (error: unknown): string => (error instanceof GatewayError ? error.code : "internal");

/** At most one of a name; none keeps the process alive. */
function createTimers() {
  const timers = new Map<string, NodeJS.Timeout>();
  return {
    after(name: string, milliseconds: number, work: () => void): void {
      if (timers.has(name)) return;
      const timer = setTimeout(() => {
        timers.delete(name);
        work();
      }, milliseconds);
      timers.set(name, timer.unref());
    },
    clear(): void {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
